"""Plain dataclasses that the runtime stores and answers with; standard library only."""
