(module
  (func (param i32) (result i32)
    (block (block (block (br_table 0 1 2 (local.get 0))) (return (i32.const 5))) (return (i32.const 7)))
    (i32.const 9)))
