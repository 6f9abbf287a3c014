"""What a row of the indicator table says: the one source of every sentence, table and figure."""
