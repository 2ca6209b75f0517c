"""Work that outlives the process that does it: kept in the database by DBOS, taken up again after a crash."""
