"""XML of any origin to a tree, without declarations, without the network, within limits."""

from __future__ import annotations

import io
import zipfile
from xml.etree.ElementTree import Element, TreeBuilder
from xml.parsers import expat

from jam.errors import BadInput
from jam.limits import XML_BYTES, XML_DEPTH, XML_ELEMENTS

_MAX_CONTAINER_BYTES = 65_536
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
"""Those that the standard allows in an .mxl file; the others can ask for gigabytes."""


class _Builder:
    """Feeds a tree from expat and stops at the first sign of an attack."""

    def __init__(self) -> None:
        self.tree = TreeBuilder()
        self.depth = 0
        self.count = 0

    def start(self, name: str, attributes: dict[str, str]) -> None:
        self.depth += 1
        self.count += 1
        if self.depth > XML_DEPTH or self.count > XML_ELEMENTS:
            raise BadInput("XML nested too deeply or with too many elements")
        self.tree.start(name, attributes)

    def end(self, name: str) -> None:
        self.depth -= 1
        self.tree.end(name)

    def doctype(self, _name: str, _system: object, _public: object, has_declarations: bool) -> None:
        # Entities multiply text, default attributes do so in every element.
        if has_declarations:
            raise BadInput("XML with declarations of its own (entities, attributes) is not read")


def parse_xml(data: bytes) -> Element:
    """The root element. Raises BadInput for broken XML and for declarations within it."""
    if len(data) > XML_BYTES:
        raise BadInput(f"larger than {XML_BYTES >> 20} MiB")
    builder = _Builder()
    parser = expat.ParserCreate()
    parser.buffer_text = True
    parser.StartElementHandler = builder.start
    parser.EndElementHandler = builder.end
    parser.CharacterDataHandler = builder.tree.data
    parser.StartDoctypeDeclHandler = builder.doctype
    parser.SetParamEntityParsing(expat.XML_PARAM_ENTITY_PARSING_NEVER)
    try:
        parser.Parse(data, True)
        return builder.tree.close()
    except (expat.ExpatError, LookupError, ValueError) as error:
        raise BadInput(f"not well-formed XML: {error}") from None


def unzipped(data: bytes) -> bytes:
    """The score in a compressed MusicXML file (.mxl). Raises BadInput."""
    if len(data) > XML_BYTES:
        raise BadInput(f"larger than {XML_BYTES >> 20} MiB")
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            container = parse_xml(_member(archive, "META-INF/container.xml", _MAX_CONTAINER_BYTES))
            for rootfile in container.iter("rootfile"):
                kind = rootfile.get("media-type", "application/vnd.recordare.musicxml+xml")
                if "musicxml" in kind or kind.endswith("xml"):
                    return _member(archive, rootfile.get("full-path", ""), XML_BYTES)
    except BadInput:
        raise
    except Exception as error:  # zlib.error, struct.error and others: by what is damaged
        raise BadInput(f"not a readable .mxl archive: {error}") from None
    raise BadInput("the .mxl archive names no score")


def _member(archive: zipfile.ZipFile, name: str, max_bytes: int) -> bytes:
    """One file of an archive, with a limit on what it may unpack to."""
    try:
        entry = archive.getinfo(name)
    except KeyError:
        raise BadInput(f"the .mxl archive has no {name[:80]}") from None
    if entry.compress_type not in _METHODS:
        raise BadInput(f"{name[:80]} is packed in a way that .mxl files are not")
    with archive.open(entry) as member:
        # The size that the archive states may be a lie: the limit is on what is read.
        data = member.read(max_bytes + 1)
    if len(data) > max_bytes:
        raise BadInput(f"{name[:80]} unpacks to more than {max_bytes:,} bytes")
    return data
