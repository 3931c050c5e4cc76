-- Functions that Redshift has and DuckDB has not, or understands otherwise. functions.py says which name leads here.
CREATE MACRO hw_div_int(a, b) AS CASE WHEN b = 0 THEN error('22012:Divide by zero') ELSE a // b END;
CREATE MACRO hw_div_double(a, b) AS CASE WHEN b = 0 THEN error('22012:Divide by zero') ELSE a / b END;
CREATE MACRO hw_mod(a, b) AS CASE WHEN b = 0 THEN error('22012:Divide by zero') ELSE a % b END;
-- A varchar's length counts bytes. Assignment refuses what is longer, unless only blanks are lost; a cast cuts.
CREATE MACRO hw_cut(v, n) AS CASE WHEN v IS NULL THEN NULL
  WHEN strlen(v) <= n THEN v
  WHEN strlen(v) = length(v) THEN left(v, n)
  ELSE left(v, coalesce(list_max(list_filter(range(0, n + 1), hw_k -> strlen(left(v, hw_k)) <= n)), 0)) END;
CREATE MACRO hw_fit(v, n, kind) AS CASE WHEN v IS NULL THEN NULL
  WHEN strlen(v) <= n THEN v
  WHEN strlen(rtrim(v, ' ')) <= n THEN hw_cut(v, n)
  ELSE error('22001:value too long for type ' || kind) END;
CREATE MACRO hw_charindex(part, whole) AS strpos(whole, part)::INTEGER;
CREATE MACRO hw_strpos(whole, part) AS strpos(whole, part)::INTEGER;
CREATE MACRO hw_len(v) AS length(v)::INTEGER;
CREATE MACRO hw_octets(v) AS strlen(v)::INTEGER;
CREATE MACRO hw_substring(v, first) AS CASE WHEN first < 1 THEN v ELSE substring(v, first) END,
  (v, first, n) AS CASE
    WHEN n < 0 THEN error('22011:negative substring length not allowed')
    WHEN first < 1 THEN substring(v, 1, greatest(n + first - 1, 0)) ELSE substring(v, first, n) END;
CREATE MACRO hw_split_part(v, delimiter, n) AS CASE
  WHEN n < 1 THEN error('22023:field position must be greater than zero') ELSE split_part(v, delimiter, n) END;
CREATE MACRO hw_repeat(v, n) AS CASE WHEN n < 0 THEN error('22023:negative repeat count') ELSE repeat(v, n::BIGINT) END;
CREATE MACRO hw_lpad(v, n) AS lpad(v, n, ' '), (v, n, fill) AS lpad(v, n, fill);
CREATE MACRO hw_rpad(v, n) AS rpad(v, n, ' '), (v, n, fill) AS rpad(v, n, fill);
CREATE MACRO hw_initcap(v) AS array_to_string(list_transform(
  regexp_extract_all(v, '[\p{L}\p{N}]+|[^\p{L}\p{N}]+'), hw_w -> upper(left(hw_w, 1)) || lower(substring(hw_w, 2))), '');
CREATE MACRO hw_digits(v, base) AS list_reduce(list_prepend(0::HUGEINT, list_transform(
    string_split(lower(regexp_replace(v, CASE WHEN base = 16 THEN '^0[xX]' ELSE '^[+]' END, '')), ''),
    hw_c -> CASE WHEN instr('0123456789abcdef', hw_c) BETWEEN 1 AND base THEN (instr('0123456789abcdef', hw_c) - 1)::HUGEINT
         ELSE error('22P02:The input ' || v || ' is not valid to be converted to base ' || base) END)),
    (hw_a, hw_d) -> hw_a * base + hw_d)::BIGINT;
CREATE MACRO hw_strtol(v, base) AS CASE
  WHEN base <> 10 AND base <> 16 AND base <> 2 AND base <> 8 THEN error('0A000:STRTOL in this base is not supported')
  WHEN v LIKE '-%' THEN -hw_digits(substring(v, 2), base)
  ELSE hw_digits(v, base) END;
CREATE MACRO hw_to_hex(v) AS lower(hex(v));
CREATE MACRO hw_sha2(v, bits) AS CASE
  WHEN bits = 256 OR bits = 0 THEN sha256(v) ELSE error('0A000:SHA2 with ' || bits || ' bits is not supported') END;
CREATE MACRO hw_regexp_replace(v, pattern) AS regexp_replace(v, pattern, '', 'g'),
  (v, pattern, replacement) AS regexp_replace(v, pattern, regexp_replace(replacement, '\$([0-9])', '\\\1', 'g'), 'g');
CREATE MACRO hw_regexp_substr(v, pattern) AS regexp_extract(v, pattern),
  (v, pattern, first) AS regexp_extract(substring(v, first), pattern),
  (v, pattern, first, n) AS coalesce(regexp_extract_all(substring(v, first), pattern)[n], '');
CREATE MACRO hw_regexp_count(v, pattern) AS len(regexp_extract_all(v, pattern))::INTEGER,
  (v, pattern, first) AS len(regexp_extract_all(substring(v, first), pattern))::INTEGER;
CREATE MACRO hw_regexp_instr(v, pattern) AS CASE WHEN regexp_matches(v, pattern)
  THEN strpos(v, regexp_extract(v, pattern))::INTEGER ELSE 0 END;
CREATE MACRO hw_json_text(v, path) AS CASE
  WHEN v IS NULL THEN NULL
  WHEN json_valid(v) THEN coalesce(json_extract_string(v, path), '') ELSE error('22P02:JSON parsing error') END;
CREATE MACRO hw_json_valid(v) AS coalesce(json_valid(v) AND json_type(v) IN ('OBJECT', 'ARRAY'), FALSE);
CREATE MACRO hw_json_array_valid(v) AS coalesce(json_valid(v) AND json_type(v) = 'ARRAY', FALSE);
CREATE MACRO hw_json_array_length(v) AS CASE WHEN json_valid(v) THEN json_array_length(v)::INTEGER
  ELSE error('22P02:JSON parsing error') END;
CREATE MACRO hw_json_element(v, n) AS CASE WHEN json_valid(v)
  THEN coalesce(json_extract_string(v, '$[' || n || ']'), '') ELSE error('22P02:JSON parsing error') END;
-- Dates and times
CREATE MACRO hw_add_months(moment, n) AS (CASE
  WHEN last_day(moment) = moment::DATE THEN last_day(moment + to_months(n::INTEGER)) + (moment::TIMESTAMP - moment::DATE::TIMESTAMP)
  ELSE moment::TIMESTAMP + to_months(n::INTEGER) END)::TIMESTAMP;
CREATE MACRO hw_months_between(a, b) AS CASE
  WHEN day(a) = day(b) OR (last_day(a) = a::DATE AND last_day(b) = b::DATE)
    THEN ((year(a) - year(b)) * 12 + month(a) - month(b))::DOUBLE
  ELSE (year(a) - year(b)) * 12 + month(a) - month(b) + (day(a) - day(b)) / 31.0 END;
CREATE MACRO hw_next_day(moment, day_name) AS (moment::DATE + 1 + CAST(
  (((strpos('sunmontuewedthufrisat', lower(left(day_name, 3))) - 1) // 3) - dayofweek(moment::DATE + 1) + 7) % 7 AS INTEGER))::DATE;
CREATE MACRO hw_convert_timezone(target, moment) AS timezone(target, timezone('UTC', moment::TIMESTAMP)),
  (source, target, moment) AS timezone(target, timezone(source, moment::TIMESTAMP));
CREATE MACRO hw_date_cmp(a, b) AS CASE WHEN a < b THEN -1 WHEN a > b THEN 1 ELSE 0 END;
CREATE MACRO hw_log(v) AS CASE WHEN v <= 0 THEN error('2201E:cannot take logarithm of a negative number or zero') ELSE log10(v) END;
CREATE MACRO hw_ln(v) AS CASE WHEN v <= 0 THEN error('2201E:cannot take logarithm of a negative number or zero') ELSE ln(v) END;
CREATE MACRO hw_sqrt(v) AS CASE WHEN v < 0 THEN error('2201F:cannot take square root of a negative number') ELSE sqrt(v) END;
-- Text forms, as PostgreSQL 8 sends them
CREATE MACRO hw_double_text(v) AS CASE WHEN isnan(v) THEN 'NaN' WHEN isinf(v) THEN CASE WHEN v > 0 THEN 'Infinity' ELSE '-Infinity' END
  ELSE format(coalesce(getvariable('hw_double'), '{:.15g}'), v) END;
CREATE MACRO hw_real_text(v) AS CASE WHEN isnan(v) THEN 'NaN' WHEN isinf(v) THEN CASE WHEN v > 0 THEN 'Infinity' ELSE '-Infinity' END
  ELSE format(coalesce(getvariable('hw_real'), '{:.6g}'), v) END;
CREATE MACRO hw_bool_text(v) AS CASE v WHEN TRUE THEN 't' WHEN FALSE THEN 'f' END;
CREATE MACRO hw_try_date(v) AS coalesce(TRY_CAST(v AS DATE), try_strptime(v, ['%Y%m%d', '%m/%d/%Y', '%m/%d/%y', '%m-%d-%Y', '%Y/%m/%d', '%Y.%m.%d',
  '%d-%b-%Y', '%b %d, %Y', '%b %d %Y', '%B %d, %Y', '%d %b %Y', '%d %B %Y', '%Y-%b-%d', '%m/%d/%Y %H:%M:%S'])::DATE);
CREATE MACRO hw_try_timestamp(v) AS coalesce(TRY_CAST(v AS TIMESTAMP), try_strptime(v, ['%Y%m%d %H%M%S', '%Y%m%d', '%m/%d/%Y %H:%M:%S', '%m/%d/%Y %H:%M',
  '%m/%d/%Y', '%Y/%m/%d %H:%M:%S', '%Y-%m-%d %H:%M', '%Y-%m-%d %H', '%b %d, %Y %H:%M:%S', '%b %d %Y %H:%M:%S', '%b %d, %Y', '%d-%b-%Y %H:%M:%S', '%d-%b-%Y']));
CREATE MACRO hw_date(v) AS CASE WHEN v IS NULL THEN NULL WHEN hw_try_date(v) IS NOT NULL THEN hw_try_date(v)
  ELSE error('22007:invalid input syntax for type date: "' || v || '"') END;
CREATE MACRO hw_timestamp(v) AS CASE WHEN v IS NULL THEN NULL WHEN hw_try_timestamp(v) IS NOT NULL THEN hw_try_timestamp(v)
  ELSE error('22007:invalid input syntax for type timestamp: "' || v || '"') END;
CREATE MACRO hw_try_bool(v) AS CASE lower(trim(v))
  WHEN 't' THEN TRUE WHEN 'true' THEN TRUE WHEN 'y' THEN TRUE WHEN 'yes' THEN TRUE WHEN '1' THEN TRUE WHEN 'on' THEN TRUE
  WHEN 'f' THEN FALSE WHEN 'false' THEN FALSE WHEN 'n' THEN FALSE WHEN 'no' THEN FALSE WHEN '0' THEN FALSE WHEN 'off' THEN FALSE END;
CREATE MACRO hw_integer(v) AS CASE WHEN regexp_full_match(trim(v), '[-+]?[0-9]+') THEN trim(v)::BIGINT
  WHEN v IS NULL THEN NULL ELSE error('22P02:invalid input syntax for integer: "' || v || '"') END;
CREATE MACRO hw_format_quarter(t) AS quarter(t)::VARCHAR;
CREATE MACRO hw_format_ww(t) AS lpad((((dayofyear(t) - 1) // 7) + 1)::VARCHAR, 2, '0');
CREATE MACRO hw_format_w(t) AS (((day(t) - 1) // 7) + 1)::VARCHAR;
CREATE MACRO hw_format_century(t) AS century(t)::VARCHAR;
CREATE MACRO hw_format_d(t) AS (dayofweek(t) + 1)::VARCHAR;
CREATE MACRO hw_format_julian(t) AS floor(julian(t))::BIGINT::VARCHAR;
CREATE MACRO hw_format_seconds(t) AS (hour(t) * 3600 + minute(t) * 60 + second(t))::VARCHAR;
CREATE MACRO hw_parse_time(v, f) AS CASE WHEN v IS NULL THEN NULL
  WHEN try_strptime(v, f) IS NOT NULL THEN try_strptime(v, f)
  ELSE error('22007:invalid value "' || v || '" for the format in TO_DATE') END;
-- digits: places before the point; zeros: how many of them are always written; groups: thousands are parted
CREATE MACRO hw_number_text(v, digits, zeros, places, groups, currency, sign, fm, commas) AS
  CASE WHEN v IS NULL THEN NULL ELSE (
  WITH hw_parts AS (SELECT
      split_part(abs(v)::VARCHAR, '.', 1) AS hw_whole,
      CASE WHEN places > 0 THEN '.' || split_part(abs(v)::VARCHAR, '.', 2) ELSE '' END AS hw_fraction),
    hw_padded AS (SELECT CASE WHEN hw_whole = '0' AND zeros = 0 AND places > 0 THEN '' WHEN length(hw_whole) < zeros THEN lpad(hw_whole, zeros::INTEGER, '0') ELSE hw_whole END AS hw_whole, hw_fraction FROM hw_parts),
    hw_grouped AS (SELECT CASE
      WHEN length(hw_whole) > digits THEN repeat('#', digits)
      WHEN groups THEN ltrim(reverse(regexp_replace(reverse(hw_whole), '([0-9]{3})', '\1,', 'g')), ',') ELSE hw_whole END AS hw_whole, hw_fraction FROM hw_padded)
  SELECT CASE WHEN fm THEN CASE WHEN v < 0 THEN '-' WHEN sign LIKE 'S%' THEN '+' ELSE '' END || currency || hw_whole || hw_fraction
    WHEN sign = 'S' THEN lpad(currency || hw_whole, (digits + commas + length(currency))::INTEGER, ' ') || hw_fraction || CASE WHEN v < 0 THEN '-' ELSE '+' END
    WHEN sign = 'MI' THEN lpad(currency || hw_whole, (digits + commas + length(currency))::INTEGER, ' ') || hw_fraction || CASE WHEN v < 0 THEN '-' ELSE ' ' END
    ELSE lpad(CASE WHEN v < 0 THEN '-' WHEN sign LIKE 'S%' THEN '+' ELSE ' ' END || currency || hw_whole, (digits + commas + length(currency) + 1)::INTEGER, ' ') || hw_fraction END
  FROM hw_grouped) END;
CREATE MACRO hw_bool(v) AS CASE WHEN v IS NULL THEN NULL WHEN hw_try_bool(v) IS NOT NULL THEN hw_try_bool(v)
  ELSE error('22P02:invalid input syntax for type boolean: "' || v || '"') END;
CREATE MACRO hw_digits_only(v) AS CASE WHEN contains(v, '-') THEN '-' ELSE '' END || regexp_replace(v, '[^0-9.]', '', 'g');
CREATE MACRO hw_interval_text(v) AS replace(v::VARCHAR, 'month', 'mon');
-- A char as it is sent: blanks up to its bytes
CREATE MACRO hw_pad(v, n) AS CASE WHEN strlen(v) < n THEN v || repeat(' ', (n - strlen(v))::BIGINT) ELSE v END;
