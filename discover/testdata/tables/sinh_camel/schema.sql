CREATE TABLE DangKyKhaiSinh (
  HoSoID INTEGER PRIMARY KEY, SoKhaiSinh TEXT, SoQuyen TEXT, NgayDangKy TEXT, LoaiDangKy INTEGER, nksHoTen TEXT, nksNgaySinh TEXT, nksGioiTinh TEXT,
  nksNoiSinh TEXT, nksQueQuan TEXT, nksDanToc TEXT, nksQuocTich TEXT, meHoTen TEXT, meNgaySinh TEXT, meSoGiayToTuyThan TEXT, meLoaiGiayToTuyThan INTEGER,
  chaHoTen TEXT, chaNgaySinh TEXT, nycHoTen TEXT, nycQuanHe TEXT, HoTenNguoiKy TEXT, ChucVuNguoiKy TEXT, GhiChu TEXT);
