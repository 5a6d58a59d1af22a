truncate -s 3M big; echo end >>big
