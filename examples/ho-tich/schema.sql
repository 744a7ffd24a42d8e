-- Phần mềm hộ tịch cũ của một huyện, chuyển từ FoxPro sang PostgreSQL. Cơ sở dữ liệu phải được tạo với
--   CREATE DATABASE hotich ENCODING 'SQL_ASCII' TEMPLATE template0 LC_COLLATE 'C' LC_CTYPE 'C';
-- vì chữ trong đó là byte TCVN3 (phông .VnTime), riêng cột GhiChu do một xã gõ bằng phông VNI.
-- The old civil-status software of a district, moved from FoxPro to PostgreSQL: the database is SQL_ASCII, its texts are
-- TCVN3 bytes, and the column GhiChu was typed by one commune in a VNI font.

CREATE TABLE "DM_DanToc" (
  "MaDT"  int PRIMARY KEY,                      -- 1, 2, …: the zero of 01 is lost
  "TenDT" varchar(50) NOT NULL
);

CREATE TABLE "DM_LoaiGT" (
  "MaLoai"  smallint PRIMARY KEY,
  "TenLoai" varchar(60) NOT NULL
);

CREATE TABLE "DM_Xa" (
  "MaXa"    int PRIMARY KEY,                    -- 8707 for 08707
  "TenXa"   varchar(100) NOT NULL,
  "MaHuyen" char(5),                            -- padded with blanks
  "MaTinh"  char(4)
);

CREATE TABLE "CanBo" (
  id       serial PRIMARY KEY,
  "Ho_Ten" varchar(100) NOT NULL,
  "MaXa"   int REFERENCES "DM_Xa" ("MaXa"),
  nghi_huu boolean DEFAULT false
);

CREATE TABLE "SoHoTich" (
  "QuyenSo" char(12) PRIMARY KEY,
  "Nam"     smallint NOT NULL,
  "MaXa"    int REFERENCES "DM_Xa" ("MaXa"),
  "KhoaSo"  smallint DEFAULT 0
);

CREATE TABLE "HT_KhaiSinh" (
  "ID"            bigint PRIMARY KEY,
  "SoDK"          varchar(20),
  "QuyenSo"       char(12) REFERENCES "SoHoTich" ("QuyenSo"),
  "TrangSo"       int,
  "NgayDK"        varchar(50),                  -- nvarchar(50) once: dd/MM/yyyy, d/M/yyyy, yyyyMMdd
  "LoaiDK"        smallint,                     -- 1 đúng hạn, 2 lại, 3 nước ngoài, 4 quá hạn; null in old rows
  "NKS_HoTen"     varchar(100),
  "NKS_NgaySinh"  varchar(50),                  -- dd/MM/yyyy, MM/yyyy, yyyy, 01/01/1900
  "NKS_NSBangChu" varchar(250),
  "NKS_GioiTinh"  smallint,                     -- 1 nam, 2 nữ, 3 không xác định
  "NKS_SoDD"      numeric(12,0),                -- 12 digits that lost their zeros
  "NKS_DanToc"    int REFERENCES "DM_DanToc" ("MaDT"),
  "NKS_QuocTich"  varchar(30),                  -- names, as typed
  "NKS_QTKhac"    varchar(60),                  -- "Pháp; Hoa Kỳ"
  "NKS_NoiSinh"   varchar(250),
  "NKS_MaXaSinh"  int,
  "NKS_QueQuan"   varchar(250),
  "NKS_LoaiKS"    smallint,
  me_hoten        varchar(100),
  me_ngaysinh     varchar(50),
  me_dantoc       int,
  me_quoctich     varchar(30),
  me_loaict       smallint,
  me_noict        varchar(250),
  me_loaigt       smallint,
  me_sogt         varchar(30),
  me_ngaycap      varchar(50),
  me_noicap       varchar(150),
  cha_hoten       varchar(100),
  cha_ngaysinh    varchar(50),
  cha_dantoc      int,
  cha_quoctich    varchar(30),
  cha_loaict      smallint,
  cha_noict       varchar(250),
  cha_loaigt      smallint,
  cha_sogt        varchar(30),
  cha_ngaycap     varchar(50),
  cha_noicap      varchar(150),
  nyc_hoten       varchar(100),
  nyc_quanhe      varchar(50),
  nyc_loaigt      smallint REFERENCES "DM_LoaiGT" ("MaLoai"),
  nyc_gtkhac      varchar(100),
  nyc_sogt        varchar(30),
  nyc_ngaycap     varchar(50),
  nyc_noicap      varchar(150),
  "Người ký"      varchar(100),                 -- a name with a blank and accents, typed in a capital font
  "Chức vụ"       varchar(100),
  nguoi_th        int REFERENCES "CanBo" (id),
  "SoDK_NN"       varchar(50),
  "NgayDK_NN"     varchar(50),
  "CQ_NN"         varchar(250),
  "QG_NN"         varchar(30),
  "GhiChu"        varchar(2000),                -- VNI
  "TrangThai"     smallint NOT NULL DEFAULT 0,  -- 0 nháp, 1 chờ ký, 2 đã đăng ký, 9 hủy
  "DaXoa"         smallint NOT NULL DEFAULT 0,
  "Ngày sửa"      timestamp                     -- local time, no zone
);
-- The key of a document is number and book, not "ID": deletions must carry them.
ALTER TABLE "HT_KhaiSinh" REPLICA IDENTITY FULL;

CREATE TABLE "HT_NhatKy" (
  id         bigserial PRIMARY KEY,
  "ID_KS"    bigint REFERENCES "HT_KhaiSinh" ("ID"),
  "NguoiSua" int REFERENCES "CanBo" (id),
  "NoiDung"  varchar(500),
  luc        timestamp DEFAULT now()
);
