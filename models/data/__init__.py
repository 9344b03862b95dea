"""Lead sheets, and what training draws from them."""
