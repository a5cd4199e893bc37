-- 머리
SELECT 1;
SELECT "가나", U&"d\0061t", E'\u0041\n', B'101', $1;
