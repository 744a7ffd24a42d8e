-- Cơ quan bảo hiểm xã hội: bảng trẻ em được cấp thẻ, bảng thẻ và hộp thư đến.
-- The health insurer: children who get a card, the cards, and an inbox.
CREATE SCHEMA bhyt;

CREATE TABLE bhyt.dm_doi_tuong (
  ma  char(4) PRIMARY KEY,                      -- padded with blanks
  ten varchar(100) NOT NULL
);

CREATE TABLE bhyt.dm_co_so_kcb (
  ma_cskcb char(5) PRIMARY KEY,
  ten      varchar(250) NOT NULL,
  ma_tinh  int                                  -- 1 for 01
);

CREATE TABLE bhyt.tre_em (
  co_quan        varchar(40) NOT NULL,          -- the agency whose event it was
  so_ks          varchar(20) NOT NULL,
  quyen_so       varchar(50) NOT NULL,
  noi_dk         varchar(40) NOT NULL,
  "Họ tên"       varchar(150) NOT NULL,
  "HoTenVNI"     varchar(300),                  -- for the old card printer: VNI bytes, shown as Latin-1
  ngay_sinh      varchar(8),                    -- yyyyMMdd, yyyyMM or yyyy
  loai_ngay_sinh smallint NOT NULL,             -- 0 full, 1 year only, 2 year and month
  gioi_tinh      char(1) NOT NULL,              -- 1 nam, 2 nữ, 3 không rõ
  so_ddcn        varchar(12),
  dan_toc        varchar(3),                    -- the insurer's own codes: 1, 2, … without zeros
  quoc_tich      char(2),
  "NoiSinh"      varchar(500),
  ngay_dk        date,
  me_ho_ten      varchar(150),
  cha_ho_ten     varchar(150),
  giam_ho        varchar(300),                  -- the one who is known, mother first
  ma_dt          char(4) REFERENCES bhyt.dm_doi_tuong (ma),
  cap_nhat       timestamptz,
  trang_thai     varchar(10) NOT NULL,          -- moi, da_cap, huy: changed by clerks afterwards
  huy_luc        timestamptz,
  so_the         varchar(15),                   -- given by the insurer; no mapping names it
  ma_cskcb       char(5) REFERENCES bhyt.dm_co_so_kcb (ma_cskcb),
  PRIMARY KEY (co_quan, so_ks, quyen_so, noi_dk)
);

CREATE TABLE bhyt.the_bhyt (
  so_the    varchar(15) PRIMARY KEY,
  co_quan   varchar(40) NOT NULL,
  so_ks     varchar(20) NOT NULL,
  quyen_so  varchar(50) NOT NULL,
  noi_dk    varchar(40) NOT NULL,
  ho_ten    varchar(150) NOT NULL,
  gioi_tinh char(1),
  so_ddcn   varchar(12),
  sua_luc   timestamp,                          -- local time, no zone
  han_dung  date,
  UNIQUE (co_quan, so_ks, quyen_so, noi_dk)
);

CREATE TABLE bhyt.hop_thu_den (
  id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  ma_su_kien  varchar(100) NOT NULL,
  loai        varchar(10) NOT NULL,
  co_quan     varchar(40) NOT NULL,
  so_thu_tu   varchar(40),
  tap_du_lieu varchar(60),
  luc         timestamptz NOT NULL,
  so_ks       varchar(20) NOT NULL,
  quyen_so    varchar(50),
  noi_dk      varchar(40),
  ho_ten      varchar(150),
  ngay_sinh   varchar(10),
  tuoi        int,
  ma_an_danh  varchar(64),                      -- of the child's number, so that statistics can join without it
  con_song    boolean,
  ban_ghi     jsonb,
  da_xu_ly    boolean NOT NULL DEFAULT false    -- the insurer's own
);
