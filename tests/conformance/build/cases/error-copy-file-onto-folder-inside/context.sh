mkdir -p src; echo file >src/sub
