package pgcatalog

import (
	"strings"

	"github.com/millracedb/millrace/sql/catalog"
	"github.com/millracedb/millrace/sql/pgerr"
	"github.com/millracedb/millrace/sql/types"
	"github.com/millracedb/millrace/sql/vec"
)

// privilege answers for relations: roles may do everything, if role and relation exist. With two arguments the role
// is the one who asks.
func privilege(want bool) infoFunc {
	return func(in *Info, a args) (vec.Scalar, error) {
		at := 0
		if len(a) == 3 {
			if err := in.checkRole(a, 0); err != nil {
				return vec.Scalar{}, err
			}
			at = 1
		}
		if a.isText(at) {
			if _, err := in.lookupClass(a.text(at)); err != nil {
				return vec.Scalar{}, err
			}
			return boolean(want)
		}
		_, isIndex := indexByID(in.cat(), a.oid(at))
		if in.cat().Relation(a.oid(at)) == nil && !isIndex {
			return nothing(types.Bool)
		}
		return boolean(want)
	}
}

func (in *Info) checkRole(a args, i int) error {
	if a.isText(i) && in.cat().Role(a.text(i)) == nil && a.text(i) != "public" {
		return pgerr.Newf(pgerr.UndefinedObject, `role "%s" does not exist`, a.text(i))
	}
	return nil
}

func schemaPrivilege(in *Info, a args) (vec.Scalar, error) {
	at := len(a) - 2
	if at < 0 {
		return boolean(false)
	}
	if at == 1 {
		if err := in.checkRole(a, 0); err != nil {
			return vec.Scalar{}, err
		}
	}
	var n *catalog.Schema
	if a.isText(at) {
		if n = in.cat().Schema(a.text(at)); n == nil {
			return vec.Scalar{}, pgerr.Newf(pgerr.InvalidSchemaName, `schema "%s" does not exist`, a.text(at))
		}
	} else if n = in.cat().SchemaByID(a.oid(at)); n == nil {
		return nothing(types.Bool)
	}
	create := strings.Contains(strings.ToUpper(a.text(at+1)), "CREATE")
	return boolean(!create || !in.cat().IsSystemSchema(n.ID))
}

func databasePrivilege(in *Info, a args) (vec.Scalar, error) {
	at := len(a) - 2
	if at == 1 {
		if err := in.checkRole(a, 0); err != nil {
			return vec.Scalar{}, err
		}
	}
	if at >= 0 && a.isText(at) && a.text(at) != DatabaseName {
		return vec.Scalar{}, pgerr.Newf(pgerr.InvalidCatalogName, `database "%s" does not exist`, a.text(at))
	}
	return boolean(true)
}

func hasRole(in *Info, a args) (vec.Scalar, error) {
	user, at := in.User(), 0
	if len(a) == 3 {
		at = 1
		if a.isText(0) {
			user = a.text(0)
		} else if r := in.cat().RoleByID(a.oid(0)); r != nil {
			user = r.Name
		}
	}
	u := in.cat().Role(user)
	var r *catalog.Role
	if a.isText(at) {
		if r = in.cat().Role(a.text(at)); r == nil {
			return vec.Scalar{}, pgerr.Newf(pgerr.UndefinedObject, `role "%s" does not exist`, a.text(at))
		}
	} else {
		r = in.cat().RoleByID(a.oid(at))
	}
	return boolean(u != nil && (u.Super || r != nil && r.ID == u.ID))
}
