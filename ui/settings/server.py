"""The server of agents in the tab Devices: its address, our token for it, and how the line is."""

from __future__ import annotations

from collections.abc import Callable

from PyQt6.QtWidgets import QLineEdit, QPushButton

from jam.errors import BadInput
from jam.messages.servers import CONNECTING, NO_SERVER, ServerState, host_of
from jam.remote.kept_tokens import is_kept, keep_token
from jam.settings import DEVICES
from ui.settings.fields import describe, described
from ui.settings.panel import SettingsSection

ADDRESS = "wss://HOST:PORT"
NO_TOKEN, KEPT_TOKEN = "None", "Kept"
FORGET = "Forget the token"


class ServerControls:
    """The rows of the server within the tab. A token is kept and never shown.

    choose: asks for a server by its address. refused: told why something can't be.
    """

    def __init__(
        self,
        section: SettingsSection,
        choose: Callable[[str], None],
        ask_again: Callable[[str], None],
        refused: Callable[[str], None],
        done: Callable[[], None],
    ) -> None:
        self._choose, self._ask_again, self._refused = choose, ask_again, refused
        self._done = done
        self._wanted = ""
        self.address = QLineEdit()
        described(self.address, DEVICES["agent_server"])
        self.address.setPlaceholderText(ADDRESS)
        self.address.setClearButtonEnabled(True)
        self.address.editingFinished.connect(self._on_address)
        self.address.returnPressed.connect(done)
        section.form.addRow(self.address)  # as wide as the tab: addresses are long
        self.token = QLineEdit()
        describe(
            self.token,
            "agent_token",
            "Token",
            "What the server's keeper gave you (jam tokens add). It is kept and not shown again.",
        )
        self.token.setEchoMode(QLineEdit.EchoMode.Password)
        self.token.editingFinished.connect(self._on_token)
        self.token.returnPressed.connect(done)
        section.put(self.token, "Token")
        self.forget = QPushButton(FORGET)
        describe(self.forget, "forget_token", FORGET, "Delete the token that is kept for it.")
        self.forget.clicked.connect(lambda _: self._keep(""))
        section.form.addRow(self.forget)
        self.words = section.hint("")
        self.words.setAccessibleName("Agent server")
        self._show_token()
        self.show_state(NO_SERVER)

    def show_wanted(self, url: str) -> None:
        """Follow what is chosen; what is being typed is left alone."""
        if url == self._wanted:
            return
        self._wanted = url
        if not self.address.hasFocus():
            self.address.setText(url)
            self.address.setCursorPosition(0)
        self._show_token()

    def show_state(self, state: ServerState) -> None:
        """Follow the line to the server."""
        host = host_of(self._wanted)
        if state.host != host:  # the agent hasn't said anything of it yet
            state = ServerState(host, why_not=CONNECTING if host else "")
        if self.words.text() != state.words:
            self.words.setText(state.words)

    def _on_address(self) -> None:
        url = self.address.text().strip()
        if url == self._wanted:
            return
        try:
            self._choose(url)
        except BadInput as error:
            self._refused(str(error))
            self.address.setText(self._wanted)

    def _on_token(self) -> None:
        token = self.token.text().strip()
        self.token.clear()
        if token:
            self._keep(token)

    def _keep(self, token: str) -> None:
        try:
            keep_token(host_of(self._wanted), token)
        except (BadInput, OSError) as error:
            self._refused(str(error))
        else:
            self._ask_again(self._wanted)
        self._show_token()

    def _show_token(self) -> None:
        host = host_of(self._wanted)
        kept = bool(host) and is_kept(host)
        self.token.setEnabled(bool(host))
        self.token.setPlaceholderText(KEPT_TOKEN if kept else NO_TOKEN)
        self.forget.setVisible(kept)
