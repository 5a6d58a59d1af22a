mkdir other; echo f >other/f; echo g >other/g
