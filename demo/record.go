package demo

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"path/filepath"
)

// Moved is where a child registered in Hải Dương in 2019 was born, as the insurer's table has it: the codes of the day and
// what they are today. A code that the table does not have is "".
type Moved struct {
	Name        string `json:"name"`
	OldProvince string `json:"oldProvince"`
	OldCommune  string `json:"oldCommune"`
	Province    string `json:"province"`
	Commune     string `json:"commune"`
}

// Moved reads the first record of the book of 2019 in the insurer's table; nil while it is not there.
func (l *Layout) Moved(ctx context.Context) (m *Moved, err error) {
	db, err := sql.Open("sqlite", "file:"+filepath.ToSlash(filepath.Join(l.Dir, InsurerFile))+"?_pragma=busy_timeout(10000)")
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", InsurerFile, err)
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	m = &Moved{}
	err = db.QueryRowContext(ctx, `SELECT ho_ten, ifnull(tinh_cu, ''), ifnull(xa_cu, ''), ifnull(tinh, ''), ifnull(xa, '')
		FROM tre_em WHERE co_quan = 'H24.26' AND quyen_so = '01/2019' AND so_ks = '1'`).Scan(&m.Name, &m.OldProvince, &m.OldCommune, &m.Province, &m.Commune)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return nil, nil //nolint:nilnil // a demo that was ended at once has not delivered it yet
	case err != nil:
		return nil, fmt.Errorf("read the insurer's table: %w", err)
	}
	return m, nil
}
