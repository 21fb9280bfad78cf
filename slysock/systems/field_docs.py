"""The documentation inside a struct: the text under a field, as written in its source.

Python forgets these texts when it runs the class, so they are read from the file again; without the source, there are
none.
"""

import ast
import inspect
import textwrap
from collections.abc import Iterator, Mapping
from typing import get_origin

import msgspec


def field_docs(struct: type[msgspec.Struct]) -> Mapping[str, str]:
    """Return the texts by the names that fields have on the wire, also of fields that are inherited."""
    names = {field.name: field.encode_name for field in msgspec.structs.fields(struct)}
    docs: dict[str, str] = {}
    plain: type = get_origin(struct) or struct  # of a generic struct, the class that was written down
    for written in reversed(plain.__mro__):
        if issubclass(written, msgspec.Struct) and written is not msgspec.Struct:
            docs.update((names[name], text) for name, text in _texts_of(written) if name in names)
    return docs


def _texts_of(struct: type) -> Iterator[tuple[str, str]]:
    try:
        source = textwrap.dedent(inspect.getsource(struct))
    except (OSError, TypeError):  # made at run time, or delivered without its source
        return
    (definition,) = ast.parse(source).body
    assert isinstance(definition, ast.ClassDef)
    for field, text in zip(definition.body, definition.body[1:], strict=False):
        match field, text:
            case ast.AnnAssign(target=ast.Name(id=name)), ast.Expr(value=ast.Constant(value=str(words))):
                yield name, inspect.cleandoc(words)
            case _:
                pass
