echo no >a.tar; echo plain | gzip -n >plain.gz; mkdir dir; echo t >dir/t; tar -C dir -cf dir/in.tar t --mtime=@0
