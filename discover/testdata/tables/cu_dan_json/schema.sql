-- A web platform's profiles of residents: English names, most of it in JSON.
CREATE TABLE resident_profile (
  uid          TEXT PRIMARY KEY,
  personal_id  TEXT,
  full_name    TEXT,
  dob          TEXT,
  sex          TEXT,
  ethnicity    TEXT,
  religion     TEXT,
  nationality  TEXT,
  native_place TEXT,
  contact      TEXT,
  residence    TEXT,
  id_cards     TEXT,
  family       TEXT,
  last_editors TEXT,
  updated_at   TEXT
);
