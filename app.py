"""The web server's entry: gunicorn serves `app:app`."""

from qualz.application import create_app

app = create_app()
