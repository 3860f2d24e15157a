"""Serves BigQuery's REST and Storage APIs out of DuckDB, on free ports of the loopback address.

When both answer it prints one line of JSON that says where. It ends, and takes its data with it, when its standard
input does: the process that started it holds the other end, so that even SIGKILL of that one ends this one.
"""

import json
import os
import pathlib
import signal
import socket
import sys
import tempfile
import threading

import duckdb
import duckdb_extension_ducklake

connect = duckdb.connect


def connect_offline(*args, config=None, **kwargs):
    """Opens DuckDB as the emulator wants it, without downloading anything.

    The emulator keeps its tables in DuckLake, an extension that DuckDB would fetch from its own site on first use.
    Here it is loaded out of its PyPI package, and DuckDB may fetch nothing. TimeZone belongs to the extension icu,
    which the wheel has built in but loads after the configuration is read: it can be set only once there is a
    connection.
    """
    config = dict(config or {})
    zone = config.pop("TimeZone", None)
    connection = connect(*args, config=config | {"autoinstall_known_extensions": "false"}, **kwargs)
    package = pathlib.Path(duckdb_extension_ducklake.__file__).parent
    extension = package / "extensions" / f"v{duckdb.__version__}" / "ducklake.duckdb_extension"
    connection.execute(f"LOAD '{extension}'")
    if zone:
        connection.execute(f"SET GLOBAL TimeZone = '{zone}'")
    return connection


duckdb.connect = connect_offline  # before the emulator is imported, which calls it

import uvicorn  # noqa: E402
from local_bigquery import app  # noqa: E402
from local_bigquery.catalog import tables  # noqa: E402
from local_bigquery.engine import database  # noqa: E402
from local_bigquery.grpc import server as storage  # noqa: E402
from local_bigquery.settings import settings  # noqa: E402
from local_bigquery.sql.rules import NODE_RULES  # noqa: E402
from sqlglot import exp  # noqa: E402

# The geography functions need the extension spatial, which would have to be downloaded; nothing here uses them.
database.FUNCTIONS = [path for path in database.FUNCTIONS if path.name != "geography.sql"]


def timestamp_in_zone(node, context):
    """Translates TIMESTAMP(x, zone) where the zone is a parameter: only literal zones are translated otherwise."""
    zone = node.args.get("zone") if isinstance(node, exp.Timestamp) else None
    if zone is None or isinstance(zone, exp.Literal):
        return node
    return exp.func("timezone", zone, exp.cast(node.this, "TIMESTAMP"))


def integer_division(node, context):
    """Keeps the operands of DIV together: DIV(n + 1, 2) is translated to n + 1 // 2."""
    if isinstance(node, exp.IntDiv):
        for side in "this", "expression":
            node.set(side, exp.paren(node.args[side]))
    return node


NODE_RULES.extend([timestamp_in_zone, integer_division])


def objects(project, dataset, table=None):
    """Lists the tables and views of a dataset, or one of them, with the numbers of rows.

    The emulator asks this all the time, and asks duckdb_tables(), which looks at every table of every project each
    time. DuckLake's own tables know it at once.
    """
    if project == "emulator":
        if table is None:
            return all_objects(project, dataset)
        try:
            rows = database.fetch(f"SELECT count(*) FROM {database.quote(project, dataset, table)}")
        except duckdb.CatalogException:
            return []
        return [(table, "TABLE", rows[0][0])]
    if project not in database.projects():
        return []
    lake = database.quote(f"__ducklake_metadata_{project}")
    live = f"""JOIN {lake}.ducklake_schema AS s USING (schema_id)
        WHERE s.schema_name = $1 AND s.end_snapshot IS NULL AND o.end_snapshot IS NULL AND"""
    return database.fetch(
        f"""SELECT table_name, 'TABLE', coalesce(record_count, 0)
        FROM {lake}.ducklake_table AS o LEFT JOIN {lake}.ducklake_table_stats USING (table_id)
        {live} table_name = coalesce($2, table_name)
        UNION ALL SELECT view_name, 'VIEW', 0 FROM {lake}.ducklake_view AS o {live} view_name = coalesce($2, view_name)
        ORDER BY 1""",
        [dataset, table],
    )


def fetch(query, params=None):
    """Asks one table for its columns, where the emulator asks duckdb_columns(), which looks at all tables."""
    if "FROM duckdb_columns() WHERE database_name = ? AND schema_name = ? AND table_name = ?" not in query:
        return fetch_from_all(query, params)
    table = database.quote(*params[:3])
    query = query.replace("duckdb_columns()", f"(DESCRIBE {table})").replace("NOT is_nullable", "\"null\" = 'NO'")
    query = query.replace("database_name = ? AND schema_name = ? AND table_name = ?", "true")
    try:
        return fetch_from_all(query, params[3:])
    except duckdb.CatalogException:
        return []


creating = threading.Lock()


def create(*args):
    """Makes one table at a time.

    Of two changes that DuckLake commits at once it may fail one, with a message of its own. BigQuery makes both, or tells
    the second one that the table is there.
    """
    with creating:
        for _ in range(20):
            try:
                return create_table(*args)
            except duckdb.Error as error:
                if "Failed to commit" not in str(error):
                    raise
        return create_table(*args)


create_table, tables.create = tables.create, create
all_objects, database.objects = database.objects, objects
fetch_from_all, database.fetch = database.fetch, fetch


def serve(rest: uvicorn.Server, listener: socket.socket):
    rest.run(sockets=[listener])
    os._exit(1)  # it has logged why


def main():
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the whole group; the end of input says when to end
    with tempfile.TemporaryDirectory(prefix="bigquery-emulator-", ignore_cleanup_errors=True) as folder:
        settings.data_dir = pathlib.Path(folder)
        database.connection()  # so that what is wrong with it is said now
        listener = socket.create_server(("127.0.0.1", 0))
        rest = uvicorn.Server(uvicorn.Config(app, log_level="warning"))
        threading.Thread(target=serve, args=(rest, listener), daemon=True).start()
        _, port = storage.start("127.0.0.1", 0)
        ready = {
            "rest": "127.0.0.1:%d" % listener.getsockname()[1],
            "storage": "127.0.0.1:%d" % port,
            "project": settings.default_project_id,
        }
        print(json.dumps(ready), flush=True)
        sys.stdin.buffer.read()
    os._exit(0)  # without waiting for requests


main()
