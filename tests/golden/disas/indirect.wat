;; The index is checked and masked, the type compared.
(module
  (type $t (func (param i32) (result i32)))
  (table 4 funcref)
  (func (param i32) (result i32)
    (call_indirect (type $t) (local.get 0) (i32.const 3))))
