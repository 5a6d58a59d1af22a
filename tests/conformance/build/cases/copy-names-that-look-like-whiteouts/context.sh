mkdir -p src; echo w >src/.wh; echo .. >src/..dots; echo w >src/x.wh.y
