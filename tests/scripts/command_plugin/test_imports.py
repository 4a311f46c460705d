"""Imports between the plugin's modules, including lazy ones."""

import grimp

PACKAGE = "scripts.command_plugin"


def test_there_are_no_import_cycles() -> None:
    graph = grimp.build_graph("scripts", exclude_type_checking_imports=True)
    inside = {name for name in graph.modules if name.startswith(PACKAGE)}
    circles = {
        (name, imported)
        for name in inside
        for imported in graph.find_modules_directly_imported_by(name) & inside
        if graph.chain_exists(imported, name)
    }
    assert circles == set()
