"""Says where scripts of PowerShell are none: `powershell.py SCRIPT…`. Windows alone can run them all the way."""

import sys

import tree_sitter
import tree_sitter_powershell

parser = tree_sitter.Parser(tree_sitter.Language(tree_sitter_powershell.language()))


def mistakes(node):
    if node.type == "ERROR" or node.is_missing:
        yield node.start_point.row + 1
    elif node.has_error:
        for child in node.children:
            yield from mistakes(child)


found = 0
for path in sys.argv[1:]:
    with open(path, "rb") as script:
        for line in mistakes(parser.parse(script.read()).root_node):
            print(f"{path}:{line}: this is no PowerShell", file=sys.stderr)
            found = 1
sys.exit(found)
