-- Phần mềm quản lý nhân khẩu, hộ khẩu của một xã, gộp từ nhiều thôn; các cột ..._dbf giữ nguyên byte của tệp DBF cũ.
-- A commune's register of persons and households, merged from several villages; columns …_dbf hold the bytes of the old DBF files.

CREATE TABLE "HoKhau" (
  "SoHK"   varchar(20) PRIMARY KEY,
  "ChuHo"  numeric(18),
  "DiaChi" varchar(500),
  "MaXa"   int,
  "Huy"    boolean DEFAULT false
);

CREATE TABLE dm_quan_he (
  ma  smallint PRIMARY KEY,
  ten varchar(50) NOT NULL
);

CREATE TABLE "NhanKhau" (
  id             numeric(18) PRIMARY KEY,
  "SoHK"         varchar(20) REFERENCES "HoKhau" ("SoHK"),
  "Số ĐDCN"      numeric(12,0),                 -- zeros lost: 1185000001 for 001185000001
  "CMND"         varchar(20),                   -- 9 digits, 8 when a zero is lost, with blanks
  "HoDem"        varchar(100),
  "Ten"          varchar(50),
  "TenKhac"      varchar(250),                  -- "A; B"
  ho_ten_dbf     bytea,                         -- VISCII: another name, from the first program
  "NgaySinh"     varchar(50),                   -- yyyyMMdd, yyyyMM, yyyy, dd/MM/yyyy; 19000101 when not known
  "GioiTinh"     varchar(10),                   -- Nam, Nữ, M, F, 1, 0
  "DanToc"       varchar(50),                   -- names: Kinh, Mường, Cao Lan, H'Mông
  "TonGiao"      varchar(50),
  "NhomMau"      char(4),                       -- padded with blanks
  "QuocTich"     varchar(60),                   -- "VN", "VN;FR"
  "HonNhan"      char(1),                       -- D, K, L, G
  "QHChuHo"      smallint REFERENCES dm_quan_he (ma),
  "NoiSinh"      varchar(250),
  noi_sinh_dbf   bytea,                         -- Windows-1258
  "QueQuan"      varchar(250),
  "ThuongTru"    varchar(500),
  "ThuongTru_Tu" varchar(50),
  "TamTru"       varchar(500),
  "TamTru_Tu"    varchar(50),
  "TamTru_Den"   varchar(50),
  "NoiO"         varchar(500),
  "TamVang"      jsonb,                         -- {"tu": "02/01/2026", "den": "…", "lyDo": "…", "noiDen": "…"}
  gt1_loai       varchar(10),
  gt1_so         varchar(20),
  gt1_ngaycap    varchar(50),
  gt1_noicap     varchar(150),
  gt1_hethan     varchar(50),
  gt2_loai       varchar(10),
  gt2_so         varchar(20),
  gt2_ngaycap    varchar(50),
  gt2_noicap     varchar(150),
  gt2_hethan     varchar(50),
  cha_hoten      varchar(100),
  cha_so         varchar(20),
  me_hoten       varchar(100),
  me_so          varchar(20),
  vc_hoten       varchar(100),
  vc_so          varchar(20),
  "SDT"          varchar(100),                  -- "0900.000.000; +84 900 000 001"
  "Email"        varchar(100),
  "NgayMat"      varchar(50),
  "Xoa"          boolean NOT NULL DEFAULT false,
  "TrangThai"    varchar(10) NOT NULL DEFAULT 'HD',     -- HD, CHO, LOI
  "Cập nhật"     timestamp
);
ALTER TABLE "NhanKhau" REPLICA IDENTITY FULL;

CREATE TABLE "BienDong" (
  id        bigserial PRIMARY KEY,
  nhan_khau numeric(18) REFERENCES "NhanKhau" (id),
  loai      char(10),
  ngay      varchar(50),
  noi_dung  varchar(500)
);
