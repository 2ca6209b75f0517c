"""The suites of Debian and Ubuntu as a feed: which packages are outdated, and what the newer ones repair.

label.py      the feed's name: `suites:CODENAME`, or `suites:CODENAME/ARCH`
feed.py       what the table of kinds knows of it
archive.py    which suites of which archive are read, and the signed files of them
packages.py   entries of package indexes
changelog.py  changelogs as lists of versions with the CVEs that they repair; package.py: files out of a .deb
changelogs.py which changelogs are read, and bringing them
support.py    which packages have no security support, and when that of a release ends; supportdata.py: bringing that
tables.py     all of it in the database
update.py     bringing a feed up to date
outdated.py   an inventory against it
"""
