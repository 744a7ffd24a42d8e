CREATE TABLE ht_khaisinh (
  id INTEGER PRIMARY KEY, so_dk TEXT, quyen_so TEXT, ngay_dk TEXT, loai_dk TEXT, ho_ten TEXT, ngay_sinh TEXT, gioi_tinh INTEGER,
  noi_sinh TEXT, dan_toc TEXT, ho_ten_me TEXT, cmnd_me TEXT, ho_ten_bo TEXT, chuc_vu_nguoi_ky TEXT, nguoi_ky TEXT, trang_thai INTEGER, da_xoa INTEGER);
