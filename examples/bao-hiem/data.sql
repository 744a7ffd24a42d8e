-- Dữ liệu mẫu, không có thật; lời chú bên cạnh nói mỗi dòng là trường hợp nào.
-- Synthetic data; the comments say what each row shows.
INSERT INTO bhyt.dm_doi_tuong VALUES ('TE', 'Trẻ em dưới 6 tuổi'), ('HS', 'Học sinh'), ('DN', 'Người lao động');
INSERT INTO bhyt.dm_co_so_kcb VALUES ('25001', 'Bệnh viện đa khoa Mẫu', 25), ('25002', 'Trạm y tế xã Mẫu', 25), ('01001', 'Bệnh viện Mẫu Hà Nội', 1);
INSERT INTO bhyt.tre_em (co_quan, so_ks, quyen_so, noi_dk, "Họ tên", "HoTenVNI", ngay_sinh, loai_ngay_sinh, gioi_tinh, so_ddcn, dan_toc, quoc_tich, ma_dt, trang_thai, so_the, ma_cskcb) VALUES
  ('H25.26', '901', '01/2021', 'H25.26', 'Trần Văn Thử', 'Traàn Vaên Thöû', '20210202', 0, '1', NULL, '1', 'VN', 'TE', 'moi', NULL, '25002'), -- đã có từ trước, truc nhận theo khóa
  ('H25.26', '902', '01/2021', 'H25.26', 'Lê Thị Dụ', 'Leâ Thò Duï', '20210303', 0, '2', NULL, '1', 'VN', 'TE', 'moi', NULL, NULL), -- đã có từ trước, truc nhận theo khóa
  ('H25.26', '903', '01/2021', 'H25.26', 'Phạm Văn Nghiệm', 'Phaïm Vaên Nghieäm', '2021', 1, '1', '025221000003', '1', 'VN', 'TE', 'moi', NULL, '25002'), -- chỉ biết năm sinh
  ('H25.26', '904', '01/2021', 'H25.26', 'Nguyễn Thị An', 'Nguyeãn Thò An', '202106', 2, '2', NULL, '1', 'VN', 'TE', 'moi', NULL, NULL), -- chỉ biết tháng sinh
  ('H25.26', '905', '01/2021', 'H25.26', 'Trần Văn Mẫu', 'Traàn Vaên Maãu', '20210606', 0, '1', NULL, '1', 'VN', 'TE', 'da_cap', 'TE1252500000005', '25002'), -- cán bộ đã sửa trạng thái và cấp thẻ
  ('H25.26', '906', '01/2021', 'H25.26', 'Lê Thị Thử', 'Leâ Thò Thöû', '20210707', 0, '2', '025221000006', '1', 'VN', 'TE', 'huy', NULL, NULL), -- đã hủy
  ('H25.26', '907', '01/2021', 'H25.26', 'Phạm  Văn Dụ', 'Phaïm  Vaên Duï', '20210808', 0, '1', NULL, '1', 'VN', 'TE', 'moi', NULL, '25002'), -- tên có hai khoảng trắng
  ('H25.26', '908', '01/2021', 'H25.26', 'NGUYỄN THỊ NGHIỆM', 'Nguyeãn Thò Nghieäm', '20210909', 0, '2', NULL, '1', 'VN', 'TE', 'moi', NULL, NULL), -- tên chữ hoa
  ('H26.10', '909', '01/2021', 'H26.10', 'Trần Văn An', 'Traàn Vaên An', '20211010', 0, '1', '025221000009', '1', 'VN', 'TE', 'moi', NULL, '25002'), -- của cơ quan khác
  ('H25.26', '910', '01/2021', 'H25.26', 'Lê Thị Mẫu', 'Leâ Thò Maãu', '20211111', 0, '2', NULL, '1', 'VN', 'TE', 'moi', NULL, NULL), -- đã có từ trước, truc nhận theo khóa
  ('H25.26', '911', '01/2021', 'H25.26', 'Phạm Văn Thử', 'Phaïm Vaên Thöû', '20211212', 0, '1', NULL, '1', 'VN', 'TE', 'moi', NULL, '25002'), -- đã có từ trước, truc nhận theo khóa
  ('H25.26', '912', '01/2021', 'H25.26', 'Nguyễn Thị Dụ', 'Nguyeãn Thò Duï', '20210113', 0, '2', '025221000012', '1', 'VN', 'TE', 'moi', NULL, NULL), -- đã có từ trước, truc nhận theo khóa
  ('H25.26', '913', '01/2021', 'H25.26', 'Trần Văn Nghiệm', 'Traàn Vaên Nghieäm', '20210214', 0, '1', NULL, '1', 'VN', 'TE', 'moi', NULL, '25002'), -- đã có từ trước, truc nhận theo khóa
  ('H25.26', '914', '01/2021', 'H25.26', 'Lê Thị An', 'Leâ Thò An', '20210315', 0, '2', NULL, '1', 'VN', 'TE', 'moi', NULL, NULL), -- đã có từ trước, truc nhận theo khóa
  ('H25.26', '915', '01/2021', 'H25.26', 'Phạm Văn Mẫu', 'Phaïm Vaên Maãu', '20210416', 0, '1', '025221000015', '1', 'VN', 'TE', 'moi', NULL, '25002'), -- đã có từ trước, truc nhận theo khóa
  ('H25.26', '916', '01/2021', 'H25.26', 'Nguyễn Thị Thử', 'Nguyeãn Thò Thöû', '20210517', 0, '2', NULL, '1', 'VN', 'TE', 'moi', NULL, NULL), -- đã có từ trước, truc nhận theo khóa
  ('H25.26', '917', '01/2021', 'H25.26', 'Trần Văn Dụ', 'Traàn Vaên Duï', '20210618', 0, '1', NULL, '1', 'VN', 'TE', 'moi', NULL, '25002'), -- đã có từ trước, truc nhận theo khóa
  ('H25.26', '918', '01/2021', 'H25.26', 'Lê Thị Nghiệm', 'Leâ Thò Nghieäm', '20210719', 0, '2', '025221000018', '1', 'VN', 'TE', 'moi', NULL, NULL), -- đã có từ trước, truc nhận theo khóa
  ('H25.26', '919', '01/2021', 'H25.26', 'Phạm Văn An', 'Phaïm Vaên An', '20210820', 0, '1', NULL, '1', 'VN', 'TE', 'moi', NULL, '25002'), -- đã có từ trước, truc nhận theo khóa
  ('H25.26', '920', '01/2021', 'H25.26', 'Nguyễn Thị Mẫu', 'Nguyeãn Thò Maãu', '20210921', 0, '2', NULL, '1', 'VN', 'TE', 'moi', NULL, NULL), -- đã có từ trước, truc nhận theo khóa
  ('H25.26', '921', '01/2021', 'H25.26', 'Trần Văn Thử', 'Traàn Vaên Thöû', '20211022', 0, '1', '025221000021', '1', 'VN', 'TE', 'moi', NULL, '25002'), -- đã có từ trước, truc nhận theo khóa
  ('H25.26', '922', '01/2021', 'H25.26', 'Lê Thị Dụ', 'Leâ Thò Duï', '20211123', 0, '2', NULL, '1', 'VN', 'TE', 'moi', NULL, NULL), -- đã có từ trước, truc nhận theo khóa
  ('H25.26', '923', '01/2021', 'H25.26', 'Phạm Văn Nghiệm', 'Phaïm Vaên Nghieäm', '20211224', 0, '1', NULL, '1', 'VN', 'TE', 'moi', NULL, '25002'), -- đã có từ trước, truc nhận theo khóa
  ('H25.26', '924', '01/2021', 'H25.26', 'Nguyễn Thị An', 'Nguyeãn Thò An', '20210125', 0, '2', '025221000024', '1', 'VN', 'TE', 'moi', NULL, NULL); -- đã có từ trước, truc nhận theo khóa
INSERT INTO bhyt.the_bhyt (so_the, co_quan, so_ks, quyen_so, noi_dk, ho_ten, gioi_tinh, so_ddcn, sua_luc, han_dung) VALUES
  ('TE1252500000001', 'H25.26', '1', '01/2024', 'H25.26', 'Trần Văn Thử', '1', NULL, '2025-02-01 08:00:00', '2025-12-31'), -- thẻ đã cấp
  ('TE1252500000002', 'H25.26', '2', '01/2024', 'H25.26', 'Lê Thị Dụ', '2', NULL, '2025-03-01 08:00:00', '2025-12-31'), -- tên in sai, chờ sửa
  ('TE1252500000003', 'H25.26', '3', '01/2024', 'H25.26', 'Phạm Văn Nghiệm', '1', NULL, '2025-04-01 08:00:00', '2025-12-31'), -- thẻ đã cấp
  ('TE1252500000004', 'H25.26', '4', '01/2024', 'H25.26', 'Nguyễn Thị An', '2', NULL, '2025-05-01 08:00:00', '2025-12-31'), -- thẻ đã cấp
  ('TE1252500000005', 'H25.26', '5', '01/2024', 'H25.26', 'Trần Văn Mẫu', '1', NULL, '2025-06-01 08:00:00', '2025-12-31'), -- thẻ đã cấp
  ('TE1252500000006', 'H25.26', '6', '01/2024', 'H25.26', 'Lê Thị Thử', '2', NULL, '2025-07-01 08:00:00', '2025-12-31'), -- thẻ đã cấp
  ('TE1252500000007', 'H25.26', '7', '01/2024', 'H25.26', 'Phạm Văn Dụ', '1', NULL, '2025-08-01 08:00:00', '2025-12-31'), -- thẻ đã cấp
  ('TE1252500000008', 'H25.26', '8', '01/2024', 'H25.26', 'Nguyễn Thị Nghiệm', '2', NULL, '2025-09-01 08:00:00', '2025-12-31'), -- thẻ đã cấp
  ('TE1252500000009', 'H25.26', '9', '01/2024', 'H25.26', 'Trần Văn An', '1', NULL, '2025-01-01 08:00:00', '2025-12-31'), -- thẻ đã cấp
  ('TE1252500000010', 'H25.26', '10', '01/2024', 'H25.26', 'Lê Thị Mẫu', '2', NULL, '2025-02-01 08:00:00', '2025-12-31'), -- thẻ đã cấp
  ('TE1252500000011', 'H25.26', '11', '01/2024', 'H25.26', 'Phạm Văn Thử', '1', NULL, '2025-03-01 08:00:00', '2025-12-31'), -- thẻ đã cấp
  ('TE1252500000012', 'H25.26', '12', '01/2024', 'H25.26', 'Nguyễn Thị Dụ', '2', NULL, '2025-04-01 08:00:00', '2025-12-31'), -- thẻ đã cấp
  ('TE1252500000013', 'H25.26', '13', '01/2024', 'H25.26', 'Trần Văn Nghiệm', '1', NULL, '2025-05-01 08:00:00', '2025-12-31'), -- thẻ đã cấp
  ('TE1252500000014', 'H25.26', '14', '01/2024', 'H25.26', 'Lê Thị An', '2', NULL, '2025-06-01 08:00:00', '2025-12-31'), -- thẻ đã cấp
  ('TE1252500000015', 'H25.26', '15', '01/2024', 'H25.26', 'Phạm Văn Mẫu', '1', NULL, '2025-07-01 08:00:00', '2025-12-31'), -- thẻ đã cấp
  ('TE1252500000016', 'H25.26', '16', '01/2024', 'H25.26', 'Nguyễn Thị Thử', '2', NULL, '2025-08-01 08:00:00', '2025-12-31'), -- thẻ đã cấp
  ('TE1252500000017', 'H25.26', '17', '01/2024', 'H25.26', 'Trần Văn Dụ', '1', NULL, '2025-09-01 08:00:00', '2025-12-31'), -- thẻ đã cấp
  ('TE1252500000018', 'H25.26', '18', '01/2024', 'H25.26', 'Lê Thị Nghiệm', '2', NULL, '2025-01-01 08:00:00', '2025-12-31'), -- thẻ đã cấp
  ('TE1252500000019', 'H25.26', '19', '01/2024', 'H25.26', 'Phạm Văn An', '1', NULL, '2025-02-01 08:00:00', '2025-12-31'), -- thẻ đã cấp
  ('TE1252500000020', 'H25.26', '20', '01/2024', 'H25.26', 'Nguyễn Thị Mẫu', '2', NULL, '2025-03-01 08:00:00', '2025-12-31'); -- thẻ đã cấp
INSERT INTO bhyt.hop_thu_den (ma_su_kien, loai, co_quan, luc, so_ks, quyen_so, noi_dk, con_song, da_xu_ly) VALUES ('cu-1', 'created', 'H25.26', '2024-01-01 00:00:00+07', '901', '01/2021', 'H25.26', true, true);
