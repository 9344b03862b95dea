"""XML of any origin to a tree, without entities, without the network, within limits."""

from __future__ import annotations

import io
import zipfile
from xml.etree.ElementTree import Element, TreeBuilder
from xml.parsers import expat

from jam.errors import BadInput

MAX_XML_BYTES = 64 * 2**20
MAX_ELEMENTS = 3_000_000
MAX_DEPTH = 64


class _Builder:
    """Feeds a tree from expat and stops at the first sign of an attack."""

    def __init__(self) -> None:
        self.tree = TreeBuilder()
        self.depth = 0
        self.count = 0

    def start(self, name: str, attributes: dict[str, str]) -> None:
        self.depth += 1
        self.count += 1
        if self.depth > MAX_DEPTH or self.count > MAX_ELEMENTS:
            raise BadInput("XML nested too deeply or with too many elements")
        self.tree.start(name, attributes)

    def end(self, name: str) -> None:
        self.depth -= 1
        self.tree.end(name)

    def refuse(self, *_: object) -> None:
        raise BadInput("XML with entities of its own is not read")


def parse_xml(data: bytes) -> Element:
    """The root element. Raises BadInput for broken XML and for every entity declaration."""
    if len(data) > MAX_XML_BYTES:
        raise BadInput(f"larger than {MAX_XML_BYTES >> 20} MB")
    builder = _Builder()
    parser = expat.ParserCreate()
    parser.buffer_text = True
    parser.StartElementHandler = builder.start
    parser.EndElementHandler = builder.end
    parser.CharacterDataHandler = builder.tree.data
    parser.EntityDeclHandler = builder.refuse
    parser.SetParamEntityParsing(expat.XML_PARAM_ENTITY_PARSING_NEVER)
    try:
        parser.Parse(data, True)
        return builder.tree.close()
    except (expat.ExpatError, LookupError, ValueError) as error:
        raise BadInput(f"not well-formed XML: {error}") from None


def unzipped(data: bytes) -> bytes:
    """The score in a compressed MusicXML file (.mxl). Raises BadInput."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            container = parse_xml(_member(archive, "META-INF/container.xml"))
            for rootfile in container.iter("rootfile"):
                kind = rootfile.get("media-type", "application/vnd.recordare.musicxml+xml")
                if "musicxml" in kind or kind.endswith("xml"):
                    return _member(archive, rootfile.get("full-path", ""))
    except (zipfile.BadZipFile, OSError, EOFError, NotImplementedError, RuntimeError) as error:
        raise BadInput(f"not a readable .mxl archive: {error}") from None
    raise BadInput("the .mxl archive names no score")


def _member(archive: zipfile.ZipFile, name: str) -> bytes:
    """One file of an archive, with a limit on what it may unpack to."""
    try:
        with archive.open(name) as member:
            # The size that the archive states may be a lie: the limit is on what is read.
            data = member.read(MAX_XML_BYTES + 1)
    except KeyError:
        raise BadInput(f"the .mxl archive has no {name}") from None
    except Exception as error:  # zlib.error and others, by the method of compression
        raise BadInput(f"not a readable .mxl archive: {error}") from None
    if len(data) > MAX_XML_BYTES:
        raise BadInput(f"{name} unpacks to more than {MAX_XML_BYTES >> 20} MB")
    return data
