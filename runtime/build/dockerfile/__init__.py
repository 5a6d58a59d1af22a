"""The Dockerfile, read as BuildKit reads it: from text to instructions. Nothing here touches the world."""
