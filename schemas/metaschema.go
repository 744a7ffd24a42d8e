package schemas

import (
	"errors"
	"strings"
	"sync"

	santhosh "github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/santhosh-tekuri/jsonschema/v6/kind"

	"github.com/lienthong/truc/problem"
)

// metaOnce compiles the draft-07 meta-schema once: it does not change, and compiling it takes longer than using it.
var metaOnce = sync.OnceValues(func() (*santhosh.Schema, error) {
	c := santhosh.NewCompiler()
	c.UseLoader(noLoader{})
	return c.Compile(draft07)
})

// metaSchema checks a file against the draft-07 meta-schema.
func (p *parser) metaSchema(v any) {
	meta, err := metaOnce()
	if err == nil {
		err = meta.Validate(v)
	}
	var invalid *santhosh.ValidationError
	switch {
	case errors.As(err, &invalid):
		p.metaErrors(invalid)
	case err != nil:
		p.add("schema.meta-schema", "", problem.Say("the schema could not be checked against the draft-07 meta-schema"), problem.Say("simplify it until it can, and report this as a defect of truc"))
	}
}

func (p *parser) metaErrors(e *santhosh.ValidationError) {
	// "array or boolean or object?" branches: the first one says what is expected.
	if _, union := e.ErrorKind.(*kind.AnyOf); union || len(e.Causes) == 0 {
		pointer := ""
		for _, token := range e.InstanceLocation {
			pointer = appendPointer(pointer, token)
		}
		what := problem.Say("the value is not what draft-07 allows at this keyword")
		switch k := e.ErrorKind.(type) {
		case *kind.Type:
			what = problem.Say("the value is %s, draft-07 wants %s here", k.Got, strings.Join(k.Want, " or "))
		case *kind.UniqueItems:
			what = problem.Say("an entry stands in the list twice")
		case *kind.MinItems:
			what = problem.Say("the list has too few entries")
		}
		p.problems = append(p.problems, problem.Problem{
			Code: "schema.meta-schema", Where: p.file.path + "#" + pointer, What: what,
			Fix: problem.Say("see this keyword in the draft-07 specification and correct its value"),
		})
		return
	}
	for _, cause := range e.Causes {
		p.metaErrors(cause)
	}
}

// noLoader refuses whatever a schema compiler wants to fetch: everything it may use is in the set.
type noLoader struct{}

func (noLoader) Load(string) (any, error) { return nil, errOutsideSet }

var errOutsideSet = errors.New("not in the set of schemas, and nothing is ever fetched")
