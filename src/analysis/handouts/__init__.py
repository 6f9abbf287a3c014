"""What is handed out beside the pages, made from the same findings: a sheet, a message, a Word file."""
