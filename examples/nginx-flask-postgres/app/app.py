"""A guest book: `GET /` shows the notes, `POST /` adds one, `GET /notes` is for programs."""

import os
import socket
from pathlib import Path

import psycopg
from flask import Flask, jsonify, redirect, render_template_string, request

PAGE = """<!doctype html>
<title>Guest book</title>
<h1>Guest book</h1>
<form method="post"><input name="text" maxlength="200" required> <button>Sign</button></form>
<ul>{% for text in notes %}<li>{{ text }}</li>{% endfor %}</ul>
<p>{{ notes|length }} notes, told by {{ host }}</p>
"""

app = Flask(__name__)


def connect() -> psycopg.Connection:
    """Connect to the database with the password that is mounted, not in the environment."""
    password = Path(os.environ["PASSWORD_FILE"]).read_text().strip()
    connection = psycopg.connect(os.environ["DATABASE"], password=password, connect_timeout=3)
    connection.execute("create table if not exists notes (id bigserial primary key, text text not null)")
    return connection


def notes() -> list[str]:
    """Return all notes, the oldest first."""
    with connect() as connection:
        return [text for (text,) in connection.execute("select text from notes order by id")]


@app.get("/")
def show():
    """Show the page."""
    return render_template_string(PAGE, notes=notes(), host=socket.gethostname())


@app.post("/")
def sign():
    """Add a note and show the page again."""
    with connect() as connection:
        connection.execute("insert into notes (text) values (%s)", [request.form["text"][:200]])
    return redirect("/")


@app.get("/notes")
def listed():
    """Return the notes as JSON."""
    return jsonify(notes())


@app.get("/health")
def health():
    """Answer when the database does."""
    with connect() as connection:
        connection.execute("select 1")
    return "ok\n"
