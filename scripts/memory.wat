;; Copying and filling memory without the instructions of later versions of WebAssembly: what stands in for
;; binaryen's own functions of these names, which move a byte at a time.
;;
;; Eight bytes at a time, the last or first eight once more and out of place, which needs no loop for what is
;; left over. Whatever is written last is read first, so ranges may overlap.
(module
  (memory 1)

  (func $__memory_copy (param $to i32) (param $from i32) (param $size i32)
    (local $middle i32)
    (local $end i32)
    (local $last i32)
    (local $edge i64)
    (if (i32.lt_u (local.get $size) (i32.const 8))
      (then
        (if (i32.lt_u (local.get $size) (i32.const 4))
          (then
            (if (i32.eqz (local.get $size)) (then (return)))
            ;; One to three: the first, the middle and the last, some of them the same.
            (local.set $middle (i32.shr_u (local.get $size) (i32.const 1)))
            (local.set $end (i32.sub (local.get $size) (i32.const 1)))
            (local.set $edge (i64.load8_u (i32.add (local.get $from) (local.get $middle))))
            (local.set $last (i32.load8_u (i32.add (local.get $from) (local.get $end))))
            (i32.store8 (local.get $to) (i32.load8_u (local.get $from)))
            (i64.store8 (i32.add (local.get $to) (local.get $middle)) (local.get $edge))
            (i32.store8 (i32.add (local.get $to) (local.get $end)) (local.get $last))
            (return)))
        (local.set $end (i32.sub (local.get $size) (i32.const 4)))
        (local.set $last (i32.load align=1 (i32.add (local.get $from) (local.get $end))))
        (i32.store align=1 (local.get $to) (i32.load align=1 (local.get $from)))
        (i32.store align=1 (i32.add (local.get $to) (local.get $end)) (local.get $last))
        (return)))
    (if (i32.lt_u (i32.sub (local.get $to) (local.get $from)) (local.get $size))
      (then
        ;; It lies behind what it overlaps: from the end.
        (local.set $edge (i64.load align=1 (local.get $from)))
        (loop $more
          (local.set $size (i32.sub (local.get $size) (i32.const 8)))
          (i64.store align=1
            (i32.add (local.get $to) (local.get $size))
            (i64.load align=1 (i32.add (local.get $from) (local.get $size))))
          (br_if $more (i32.gt_u (local.get $size) (i32.const 7))))
        (i64.store align=1 (local.get $to) (local.get $edge))
        (return)))
    ;; The last eight are read before anything is written, and written last.
    (local.set $size (i32.sub (local.get $size) (i32.const 8)))
    (local.set $edge (i64.load align=1 (i32.add (local.get $from) (local.get $size))))
    (local.set $end (i32.add (local.get $to) (local.get $size)))
    (if (i32.gt_u (local.get $size) (i32.const 15))
      (then
        (local.set $last (i32.sub (local.get $end) (i32.const 15)))
        (loop $twice
          (i64.store align=1 (local.get $to) (i64.load align=1 (local.get $from)))
          (i64.store offset=8 align=1 (local.get $to) (i64.load offset=8 align=1 (local.get $from)))
          (local.set $from (i32.add (local.get $from) (i32.const 16)))
          (br_if $twice
            (i32.lt_u (local.tee $to (i32.add (local.get $to) (i32.const 16))) (local.get $last))))))
    (loop $more
      (i64.store align=1 (local.get $to) (i64.load align=1 (local.get $from)))
      (local.set $from (i32.add (local.get $from) (i32.const 8)))
      (br_if $more
        (i32.lt_u (local.tee $to (i32.add (local.get $to) (i32.const 8))) (local.get $end))))
    (i64.store align=1 (local.get $end) (local.get $edge)))

  (func $__memory_fill (param $to i32) (param $byte i32) (param $size i32)
    (local $end i32)
    (local $eight i64)
    (if (i32.lt_u (local.get $size) (i32.const 8))
      (then
        (if (i32.eqz (local.get $size)) (then (return)))
        (loop $more
          (local.set $size (i32.sub (local.get $size) (i32.const 1)))
          (i32.store8 (i32.add (local.get $to) (local.get $size)) (local.get $byte))
          (br_if $more (local.get $size)))
        (return)))
    (local.set $eight
      (i64.mul
        (i64.extend_i32_u (i32.and (local.get $byte) (i32.const 0xff)))
        (i64.const 0x0101010101010101)))
    (local.set $end (i32.sub (i32.add (local.get $to) (local.get $size)) (i32.const 8)))
    (loop $more
      (i64.store align=1 (local.get $to) (local.get $eight))
      (br_if $more
        (i32.lt_u (local.tee $to (i32.add (local.get $to) (i32.const 8))) (local.get $end))))
    (i64.store align=1 (local.get $end) (local.get $eight)))

  (export "memory" (memory 0))
  (export "copy" (func $__memory_copy))
  (export "fill" (func $__memory_fill)))
