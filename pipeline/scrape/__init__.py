"""A site → the raw archive: client.py fetches with courtesy, lgsco.py knows the site, archive.py keeps it all."""
