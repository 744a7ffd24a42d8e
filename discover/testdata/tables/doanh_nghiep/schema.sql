CREATE TABLE dm_doanh_nghiep (
  id INTEGER PRIMARY KEY, mst TEXT, ten_dn TEXT, ten_viet_tat TEXT, ten_nuoc_ngoai TEXT, loai_hinh_dn TEXT, tinh_trang TEXT, ngay_tl TEXT, ngay_thay_doi TEXT, so_lan_td INTEGER, von_dl REAL, dia_chi_tru_so TEXT, email TEXT, dien_thoai TEXT, nguoi_dai_dien TEXT);
