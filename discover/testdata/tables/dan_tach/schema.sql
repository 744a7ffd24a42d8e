CREATE TABLE cong_dan (
  "Số ĐDCN" INTEGER PRIMARY KEY, ho TEXT, ten_dem TEXT, ten TEXT, "Ngày tháng năm sinh" TEXT, phai TEXT, "địa chỉ thường trú" TEXT, noi_o_hien_nay TEXT, tinh_trang_hon_nhan INTEGER, so_hs_cu_tru TEXT, ho_ten_cha TEXT, ten_me TEXT, ngay_mat TEXT, quan_he_chu_ho TEXT);
