"""Make the pictures and schemas of the pages again."""
