package workload

import (
	"context"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"
)

// Load inserts rows (a multiple of Patterns) with ids from first on, in transactions of a thousand.
func Load(ctx context.Context, conn *pgx.Conn, size Size, first, rows int) error {
	if err := putPatterns(ctx, conn, size); err != nil {
		return err
	}
	for at := first; at < first+rows; at += Patterns {
		if _, err := conn.Exec(ctx, insertPatterns, at); err != nil {
			return fmt.Errorf("load %s: %w", Table, err)
		}
	}
	return nil
}

// LoadAtOnce inserts the same in a single transaction.
func LoadAtOnce(ctx context.Context, conn *pgx.Conn, size Size, first, rows int) error {
	if err := putPatterns(ctx, conn, size); err != nil {
		return err
	}
	err := pgx.BeginFunc(ctx, conn, func(tx pgx.Tx) error {
		for at := first; at < first+rows; at += Patterns {
			if _, err := tx.Exec(ctx, insertPatterns, at); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("load %s at once: %w", Table, err)
	}
	return nil
}

// Update changes two columns of the rows with ids from first on, in transactions of a thousand.
func Update(ctx context.Context, conn *pgx.Conn, first, rows int) error {
	return change(ctx, conn, first, rows,
		`UPDATE cong_dan SET thuong_tru = 'Số 1 ' || thuong_tru, sua_luc = clock_timestamp() WHERE id >= $1 AND id < $2`)
}

// Mix inserts, updates and deletes: of every thousand rows from first on, which are there already, 200 are deleted, 400 are
// changed, and 400 with ids from first+rows on are inserted. There are as many events as rows.
func Mix(ctx context.Context, conn *pgx.Conn, size Size, first, rows int) error {
	if err := putPatterns(ctx, conn, size); err != nil {
		return err
	}
	for at := first; at < first+rows; at += Patterns {
		err := pgx.BeginFunc(ctx, conn, func(tx pgx.Tx) error {
			if _, err := tx.Exec(ctx, "DELETE FROM cong_dan WHERE id >= $1 AND id < $2", at, at+200); err != nil {
				return err
			}
			if _, err := tx.Exec(ctx, "UPDATE cong_dan SET thuong_tru = 'Số 2 ' || thuong_tru, sua_luc = clock_timestamp() WHERE id >= $1 AND id < $2",
				at+200, at+600); err != nil {
				return err
			}
			_, err := tx.Exec(ctx, insertPatterns+" LIMIT 400", at+rows)
			return err
		})
		if err != nil {
			return fmt.Errorf("mix of changes in %s: %w", Table, err)
		}
	}
	return nil
}

func change(ctx context.Context, conn *pgx.Conn, first, rows int, statement string) error {
	for at := first; at < first+rows; at += Patterns {
		if _, err := conn.Exec(ctx, statement, at, at+Patterns); err != nil {
			return fmt.Errorf("change %s: %w", Table, err)
		}
	}
	return nil
}

// One is a statement that inserts the row of an id ($1): a transaction of its own, for latencies. It needs Prepare.
const One = insertFrom + " WHERE pattern.id = $1::bigint % 1000"

const (
	// insertFrom takes the id from $1 and the pattern from the temporary table of the session.
	insertFrom = `INSERT INTO cong_dan SELECT lpad((1 + $1::bigint / 1000000)::text, 3, '0') || giua || lpad(($1::bigint % 1000000)::text, 6, '0'),
		$1::bigint, ` + patternColumns + `, clock_timestamp() FROM pattern`
	// insertPatterns inserts a thousand rows from id $1 on, a multiple of a thousand.
	insertPatterns = `INSERT INTO cong_dan SELECT lpad((1 + ($1::bigint + id) / 1000000)::text, 3, '0') || giua ||
		lpad((($1::bigint + id) % 1000000)::text, 6, '0'), $1::bigint + id, ` + patternColumns + `, clock_timestamp() FROM pattern ORDER BY id`
	patternColumns = `ho_ten, ngay_sinh, gioi_tinh, dan_toc, ton_giao, quoc_tich, nhom_mau, so_cmnd, noi_sinh, que_quan, thuong_tru,
		thuong_tru_tu, cha_ho_ten, me_ho_ten, hon_nhan, dien_thoai, trang_thai, ghi_chu`
)

// Prepare gives a session the patterns that One takes its rows from.
func Prepare(ctx context.Context, conn *pgx.Conn, size Size) error {
	return putPatterns(ctx, conn, size)
}

func putPatterns(ctx context.Context, conn *pgx.Conn, size Size) error {
	_, err := conn.Exec(ctx, `DROP TABLE IF EXISTS pg_temp.pattern; CREATE TEMP TABLE pattern AS SELECT * FROM cong_dan WITH NO DATA;
		ALTER TABLE pattern DROP COLUMN so_dinh_danh, DROP COLUMN sua_luc, ADD COLUMN giua text, ADD PRIMARY KEY (id)`)
	if err != nil {
		return fmt.Errorf("make patterns: %w", err)
	}
	var rows [][]any
	for n := range Patterns {
		rows = append(rows, append(append([]any{n}, pattern(n, size)...), middleOf(n)))
	}
	columns := append([]string{"id"}, strings.FieldsFunc(patternColumns, func(r rune) bool { return r == ',' || r == ' ' || r == '\n' || r == '\t' })...)
	if _, err := conn.CopyFrom(ctx, pgx.Identifier{"pattern"}, append(columns, "giua"), pgx.CopyFromRows(rows)); err != nil {
		return fmt.Errorf("copy patterns: %w", err)
	}
	if _, err := conn.Exec(ctx, "ANALYZE pattern"); err != nil {
		return fmt.Errorf("analyze patterns: %w", err)
	}
	return nil
}
