"""The parent's end: it starts the processes of the music, and watches over them."""
