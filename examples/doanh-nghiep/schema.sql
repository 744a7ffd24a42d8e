-- Phần mềm quản lý doanh nghiệp của một sở, chuyển từ Access và SQL Server. Cột kiểu money, bit, nvarchar nay là numeric, smallint, varchar.
-- A department's register of enterprises, moved from Access and SQL Server: money, bit and nvarchar are numeric, smallint and varchar now.

CREATE TABLE "DM_LoaiHinh" (
  "ID"  int PRIMARY KEY,
  "Ten" varchar(150) NOT NULL
);

CREATE TABLE "DM_TinhTrang" (
  "Ma"  char(4) PRIMARY KEY,                    -- padded with blanks
  "Ten" varchar(150) NOT NULL
);

CREATE TABLE "tblDoanhNghiep" (
  "ID"          int PRIMARY KEY,
  "MaSoDN"      varchar(20),                    -- 0100000010, 100000010, 0100000010-001, 0100000010001, "01 0000 0010"
  "Tên DN"      varchar(1000),
  "TenVT"       varchar(250),
  "LoaiHinhID"  int REFERENCES "DM_LoaiHinh" ("ID"),
  "TinhTrang"   char(4) REFERENCES "DM_TinhTrang" ("Ma"),
  "NgayTL"      varchar(50),                    -- dd/MM/yyyy, yyyyMMdd, dd/MM/yy, days of Excel; 01/01/1900 when not known
  "NgayTDoi"    varchar(50),                    -- yyyyMMddHHmmss
  "VonDL"       varchar(60),                    -- "12.000.000.000 đồng", "12,000,000,000 VND", "500000 USD"
  "DiaChi"      varchar(500),
  "DiaChi_Khac" varchar(2000),                  -- one a line
  "ĐT"          varchar(100),                   -- "024 0000 0000; 0900.000.000"
  "Email"       varchar(250),
  "NguoiDD"     varchar(1000),                  -- "NGUYỄN VĂN MẪU; Trần Thị Thử"
  "ChucDanh"    varchar(100),
  "ThanhVien"   text,                           -- JSON as text, written by the web front end: {"ds": [{"MEMBER_NAME": …}]}
  "NganhNghe"   jsonb,                          -- [{"CODE": "6201", "NAME": …, "IS_MAIN": "Y"}]
  "XML_DKQG"    text,                           -- as the national register answered: <CHI_TIET><NAME_F>…
  "MaCQDK"      varchar(20),
  "DaXoa"       smallint NOT NULL DEFAULT 0,
  "CapNhat"     varchar(20)                     -- dd/MM/yyyy HH:mm, local time
);
ALTER TABLE "tblDoanhNghiep" REPLICA IDENTITY FULL;

-- What the old Windows program still fills; the web front end keeps its own copies in the columns ThanhVien and NganhNghe.
CREATE TABLE "tblThanhVien" (
  "ID"     serial PRIMARY KEY,
  "DN_ID"  int NOT NULL REFERENCES "tblDoanhNghiep" ("ID"),
  "HoTen"  varchar(250),
  "SoCMND" numeric(12,0),                       -- zeros lost
  "VonGop" numeric(21,3),
  "TyLe"   numeric(5,2)
);

CREATE TABLE "tblNganhNghe" (
  "DN_ID"   int NOT NULL REFERENCES "tblDoanhNghiep" ("ID"),
  "MaNganh" char(5) NOT NULL,
  "Chinh"   smallint DEFAULT 0,
  PRIMARY KEY ("DN_ID", "MaNganh")
);

CREATE TABLE "Lịch sử" (
  id      bigserial PRIMARY KEY,
  "DN_ID" int REFERENCES "tblDoanhNghiep" ("ID"),
  noi_dung varchar(500),
  luc     timestamp DEFAULT now()
);
