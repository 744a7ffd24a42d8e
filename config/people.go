package config

import (
	"fmt"

	"github.com/lienthong/truc/problem"
)

// Person may decide about datasets over HTTP. What is decided stands in the history under name and address.
type Person struct {
	Name  string `yaml:"name"`
	Email string `yaml:"email"`
	// Token is a secret that nobody else has.
	Token string `yaml:"token"`
}

func (c *Config) checkPeople() {
	people := c.Registry.People
	if len(people) == 0 {
		return
	}
	switch {
	case c.Registry.Listen == "":
		c.report("config.unused", "registry.people", problem.Say("people decide over HTTP where the node serves its registry, and it serves none"), problem.Say("add listen: 127.0.0.1:8081 under registry, or remove people"), true)
	case len(c.Datasets) == 0 && !c.Faulty("datasets"):
		c.report("config.unused", "registry.people", problem.Say("there is nothing to decide about: the configuration names no folder of datasets"), problem.Say("add datasets: [FOLDER], or remove people"), true)
	}
	first := map[string]int{}
	for i, p := range people {
		path := fmt.Sprintf("registry.people[%d]", i)
		if p.Name == "" {
			c.missing(path+".name", problem.Say("add name: as the history is to show it"))
		}
		if p.Email == "" {
			c.missing(path+".email", problem.Say("add email: by it the history knows one person from another"))
		}
		before, twice := first[p.Token]
		switch {
		case c.Faulty(path + ".token"): // said already
		case p.Token == "":
			c.missing(path+".token", problem.Say("add token: ${file:secrets/NAME}, a long secret that only this person has"))
		case len(p.Token) < MinToken:
			c.bad(path+".token", problem.Say("the token has %d characters, %d are needed at least", len(p.Token), MinToken), problem.Say("make one with: openssl rand -hex 24"))
		case twice:
			c.bad(path+".token", problem.Say("it is the token of registry.people[%d], too: who shows it could be either", before), problem.Say("give each person a token of their own"))
		default:
			first[p.Token] = i
		}
	}
}
