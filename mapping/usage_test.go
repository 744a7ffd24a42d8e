package mapping

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestUsage(t *testing.T) {
	t.Parallel()
	want := Usage{
		Properties: []string{
			"lePhi", "ngayDangKy", "nguoiDuocKhaiSinh.gioiTinh", "nguoiDuocKhaiSinh.hoTen", "nguoiDuocKhaiSinh.ngaySinh", "nguoiDuocKhaiSinh.ngaySinh.giaTri",
			"noiDangKy.ma", "quyenSo", "so",
		},
		Codes: []CodesUsed{{"thu.gioitinh", []string{"0", "1", "2"}}},
	}
	if diff := cmp.Diff(want, treEmPlan(t).Usage()); diff != "" {
		t.Error(diff)
	}
	want = Usage{Properties: []string{
		"diem[]", "dienThoai[]", "giayTo[].loai", "giayTo[].so", "nguoiNop.diaChi.thon", "nguoiNop.diaChi.xa", "nguoiNop.ghiChu", "nguoiNop.hoTen", "nguoiNop.soDinhDanh",
		"nguoiUyQuyen.diaChi.thon", "nguoiUyQuyen.diaChi.xa", "nguoiUyQuyen.ghiChu", "nguoiUyQuyen.hoTen", "nguoiUyQuyen.soDinhDanh", "nhan", "so",
		"thanhVien[].hoTen", "thanhVien[].namSinh", "thanhVien[].vaiTro[]",
	}}
	if diff := cmp.Diff(want, hoSoPlan(t).Usage()); diff != "" {
		t.Error(diff)
	}
}
