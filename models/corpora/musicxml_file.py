"""Files of MusicXML: their encoding, .mxl archives, and XML within limits."""

from __future__ import annotations

import codecs
import html.entities
import io
import re
import zipfile
import zlib
from urllib.parse import unquote
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

    def declaration(self, *_about: object) -> None:
        # Entities multiply text, default attributes do so in every element.
        raise BadInput("XML with declarations of its own (entities, attributes) is not read")


_DECLARED = re.compile(r"<\?xml[^>]{0,200}?\?>")
_ENCODING = re.compile(rb"<\?xml[^>]{0,100}?encoding\s*=\s*[\"']([A-Za-z0-9._-]{1,40})[\"']")


def _text_of_xml(data: bytes) -> str:
    """The characters of an XML file: by what its bytes show, then by what it declares.

    Raises BadInput where they are not text at all.
    """
    data = data.lstrip(b" \t\r\n")
    for mark, name in _BYTE_ORDERS:
        if data.startswith(mark):
            return data.decode(name, "replace").lstrip("\ufeff").lstrip()
    declared = found[1].decode("ascii") if (found := _ENCODING.search(data[:300])) else "utf-8"
    for name in ("utf-8", declared):
        try:
            codec = codecs.lookup(name)
            if codec._is_text_encoding and codec.name not in _NO_ENCODINGS:
                return data.decode(name).lstrip("\ufeff").lstrip()
        except (LookupError, ValueError):
            continue
    return data.decode("latin-1")


_NO_ENCODINGS = ("idna", "punycode", "unicode_escape", "raw_unicode_escape", "undefined", "utf-7")
"""Python's own, which no XML file is in, and which can be made to take long."""
_BYTE_ORDERS = (
    (b"\xff\xfe\x00\x00", "utf-32-le"),
    (b"\x00\x00\xfe\xff", "utf-32-be"),
    (b"\xff\xfe", "utf-16-le"),
    (b"\xfe\xff", "utf-16-be"),
    (b"<\x00", "utf-16-le"),
    (b"\x00<", "utf-16-be"),
)


_NO_CHARACTERS = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")
_AMPERSAND = re.compile(r"&(?!#\d{1,7};|#x[0-9A-Fa-f]{1,6};|(?:amp|lt|gt|quot|apos);)(\w{2,8};)?")
_DOCTYPE = re.compile(r"<!DOCTYPE[^\[<>]{0,1000}>", re.IGNORECASE)
"""Without declarations of its own."""
_ROOT_END = re.compile(r"</(?:score-(?:partwise|timewise)|container)\s*>")


def _without_slips(text: str) -> str:
    """XML with what stands in files written by hand made right: "&" alone, names of HTML's
    characters ("&eacute;"), control characters, anything behind the root element.
    """
    text = _DOCTYPE.sub("", text, count=1)
    if "<!ENTITY" not in text[:10_000]:  # names of its own: refused below
        text = _AMPERSAND.sub(_character, text)
    text = _NO_CHARACTERS.sub("", text)
    end = next((found.end() for found in _ROOT_END.finditer(text)), len(text))
    return text[:end]


def _character(found: re.Match[str]) -> str:
    known = html.entities.html5.get(found[1] or "")
    return known if known and known not in "&<" else "&amp;" + (found[1] or "")


def score_of(data: bytes) -> Element:
    """The root element of a .musicxml, .xml or .mxl file, whichever it is. Raises BadInput."""
    if data[:2] == b"PK" or (data[:1] not in b"<\xef\xfe\xff \r\n\t" and _ZIP in data[:1024]):
        data = unzipped(data)
    elif data[:2] == _GZIP:
        data = _gunzipped(data)
    return parse_xml(data)


_GZIP, _ZIP = b"\x1f\x8b", b"PK\x03\x04"


def _gunzipped(data: bytes) -> bytes:
    try:
        unpacked = zlib.decompressobj(wbits=31).decompress(data, XML_BYTES + 1)
    except zlib.error as error:
        raise BadInput(f"not a readable gzip file: {error}") from None
    if len(unpacked) > XML_BYTES:
        raise BadInput(f"unpacks to more than {XML_BYTES:,} bytes")
    return unpacked


def parse_xml(data: bytes) -> Element:
    """The root element. Raises BadInput for broken XML and for declarations within it."""
    if len(data) > XML_BYTES:
        raise BadInput(f"larger than {XML_BYTES >> 20} MiB")
    # What the file declares of its encoding has been seen to: expat is given UTF-8.
    text = _without_slips(_DECLARED.sub("", _text_of_xml(data)).lstrip())
    builder = _Builder()
    parser = expat.ParserCreate("utf-8")
    parser.buffer_text = True
    parser.StartElementHandler = builder.start
    parser.EndElementHandler = builder.end
    parser.CharacterDataHandler = builder.tree.data
    parser.EntityDeclHandler = builder.declaration
    parser.AttlistDeclHandler = builder.declaration
    parser.SetParamEntityParsing(expat.XML_PARAM_ENTITY_PARSING_NEVER)
    try:
        parser.Parse(text.encode("utf-8", "surrogatepass"), True)
        return builder.tree.close()
    except (expat.ExpatError, LookupError, ValueError) as error:
        raise BadInput(f"not well-formed XML: {error}") from None


_CONTAINER = "meta-inf/container.xml"


def unzipped(data: bytes) -> bytes:
    """The score in a compressed MusicXML file (.mxl). Raises BadInput.

    The one that the container names; where that can't be used, the only one that there is.
    """
    if len(data) > XML_BYTES:
        raise BadInput(f"larger than {XML_BYTES >> 20} MiB")
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            name = _named_score(archive)
            if name is None:
                scores = [
                    entry
                    for entry in archive.namelist()
                    if entry.lower().endswith((".xml", ".musicxml"))
                    and not entry.replace("\\", "/").lower().startswith(("meta-inf/", "__macosx/"))
                ]
                if len(scores) > 1:
                    scores = [entry for entry in scores[:20] if _is_score(archive, entry)]
                if len(scores) != 1:
                    raise BadInput(f"the .mxl archive names no score ({len(scores)} in it)")
                name = scores[0]
            return _member(archive, name, XML_BYTES)
    except BadInput:
        raise
    except Exception as error:  # zlib.error, struct.error and others: by what is damaged
        raise BadInput(f"not a readable .mxl archive: {error}") from None


def _named_score(archive: zipfile.ZipFile) -> str | None:
    """The name of the score by the container; None where that leads nowhere."""
    # Some write Windows' separators.
    entries = {name.replace("\\", "/"): name for name in archive.namelist()}
    found = next((name for path, name in entries.items() if path.lower() == _CONTAINER), None)
    if found is None:
        return None
    try:
        container = parse_xml(_member(archive, found, _MAX_CONTAINER_BYTES))
    except BadInput as error:
        if "unpacks" in str(error) or "packed" in str(error):
            raise
        return None
    for rootfile in container.iter():
        if rootfile.tag.rpartition("}")[2] != "rootfile":
            continue
        kind = rootfile.get("media-type", "application/vnd.recordare.musicxml+xml")
        path = rootfile.get("full-path", "").replace("\\", "/")
        for name in (path, unquote(path), path.lstrip("./")):
            if ("musicxml" in kind or kind.endswith("xml")) and name in entries:
                return entries[name]
    return None


def _is_score(archive: zipfile.ZipFile, name: str) -> bool:
    """Whether an XML file begins like a score."""
    with archive.open(name) as member:
        return b"<score-" in member.read(4096).replace(b"\0", b"")


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
