"""Advisories: brought in from feeds, kept in one database on this machine, and served from it.

store.py      the database: readers see one state, a feed is replaced as a whole or not at all
schema.py     its tables, and opening it
rows.py       advisories as rows
plug.py       what a feed is: the table of all kinds, and what each has to offer
update.py     bringing feeds up to date
osv.py        advisories as OSV writes them, both ways; osvfiles.py, osvweb.py: where they come from
ubuntu.py debiantracker.py    the statuses of CVEs that the two distributions publish
debian/        the suites of Debian and Ubuntu: what is newer there, and what it repairs
needed.py      which feeds a scan of an image wants
serve.py answers.py           the questions of OSV's web interface, answered from the database
"""
