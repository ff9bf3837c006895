package bind

import (
	"strings"

	"github.com/millracedb/millrace/planner/physical"
	"github.com/millracedb/millrace/sql/ast"
	"github.com/millracedb/millrace/sql/catalog"
	"github.com/millracedb/millrace/sql/pgerr"
)

func errNoRole(name string) error {
	return pgerr.Newf(pgerr.UndefinedObject, `role "%s" does not exist`, name)
}

// CreateRole binds CREATE ROLE, USER and GROUP. The password is passed on as it was written; the session stores its
// verifier.
func (b *Binder) CreateRole(stmt *ast.CreateRole) (physical.DDL, error) {
	if err := b.mustBeSuper("create role"); err != nil {
		return nil, err
	}
	if b.env.Catalog.Role(stmt.Name) != nil {
		return nil, pgerr.Newf(pgerr.DuplicateObject, `role "%s" already exists`, stmt.Name)
	}
	if strings.HasPrefix(stmt.Name, "pg_") || stmt.Name == "public" || stmt.Name == "none" {
		return nil, pgerr.Newf(pgerr.ReservedName, `role name "%s" is reserved`, stmt.Name)
	}
	role := &catalog.Role{Name: stmt.Name, Login: stmt.Kind == "USER"}
	return &physical.PutRole{Role: role}, roleOptions(role, stmt.Options)
}

// AlterRole binds ALTER ROLE and USER.
func (b *Binder) AlterRole(stmt *ast.AlterRole) (physical.DDL, error) {
	if stmt.All || stmt.Set != nil || stmt.Reset != nil {
		return nil, pgerr.Unsupported("a setting of a role").At(stmt.Pos())
	}
	name := b.ownerName(stmt.Name)
	old := b.env.Catalog.Role(name)
	if old == nil {
		return nil, errNoRole(name)
	}
	if name != b.env.User || !onlyPassword(stmt) {
		if err := b.mustBeSuper("alter role"); err != nil {
			return nil, err
		}
	}
	role := *old
	if stmt.NewName != "" {
		if b.env.Catalog.Role(stmt.NewName) != nil {
			return nil, pgerr.Newf(pgerr.DuplicateObject, `role "%s" already exists`, stmt.NewName)
		}
		if role.ID == catalog.SuperuserID {
			return nil, pgerr.Newf(pgerr.FeatureNotSupported, `role "%s" cannot be renamed`, role.Name)
		}
		role.Name = stmt.NewName
	}
	if err := roleOptions(&role, stmt.Options); err != nil {
		return nil, err
	}
	if role.ID == catalog.SuperuserID && (!role.Super || !role.Login) {
		return nil, pgerr.Newf(pgerr.FeatureNotSupported, `role "%s" must stay a superuser that can log in`, role.Name)
	}
	return &physical.PutRole{Role: &role}, nil
}

func onlyPassword(stmt *ast.AlterRole) bool {
	for _, o := range stmt.Options {
		if !strings.HasSuffix(o.Name, "PASSWORD") {
			return false
		}
	}
	return stmt.NewName == ""
}

// mustBeSuper refuses what only a superuser may do.
func (b *Binder) mustBeSuper(what string) error {
	if r := b.env.Catalog.Role(b.env.User); r != nil && !r.Super {
		return pgerr.Newf(pgerr.InsufficientPrivilege, "permission denied to %s", what).WithHint("Only a superuser can do that.")
	}
	return nil
}

func roleOptions(role *catalog.Role, opts []*ast.RoleOption) error {
	for _, o := range opts {
		switch o.Name {
		case "SUPERUSER", "NOSUPERUSER":
			role.Super = o.Name == "SUPERUSER"
		case "LOGIN", "NOLOGIN":
			role.Login = o.Name == "LOGIN"
		case "PASSWORD", "ENCRYPTED PASSWORD":
			role.Verifier = ""
			if o.Value != nil && o.Value.Kind != ast.LitNull {
				role.Verifier = o.Value.Text
			}
		case "CREATEDB", "NOCREATEDB", "CREATEROLE", "NOCREATEROLE", "INHERIT", "NOINHERIT", "REPLICATION", "NOREPLICATION",
			"NOBYPASSRLS", "CONNECTION LIMIT": // nothing here depends on them
		default:
			return pgerr.Unsupported("role option " + o.Name).At(o.Pos())
		}
	}
	return nil
}

func (b *Binder) dropRole(stmt *ast.Drop) (physical.DDL, error) {
	if err := b.mustBeSuper("drop role"); err != nil {
		return nil, err
	}
	if len(stmt.Names) != 1 {
		return nil, pgerr.Unsupported("DROP ROLE of several roles").At(stmt.Pos())
	}
	n := stmt.Names[0]
	role := b.env.Catalog.Role(n.Name)
	switch {
	case role == nil && stmt.IfExists:
		b.notice(pgerr.SuccessfulCompletion, `role "%s" does not exist, skipping`, n.Name)
		return nil, nil
	case role == nil:
		return nil, errNoRole(n.Name)
	case role.Name == b.env.User:
		return nil, pgerr.New(pgerr.ObjectInUse, "current user cannot be dropped")
	case role.ID == catalog.SuperuserID:
		return nil, pgerr.Newf(pgerr.DependentObjectsStillExist, "cannot drop role %s because it is required by the database system", role.Name)
	}
	for _, r := range b.env.Catalog.Relations() {
		if r.Owner == role.ID {
			return nil, pgerr.Newf(pgerr.DependentObjectsStillExist, `role "%s" cannot be dropped because some objects depend on it`, role.Name).
				WithDetail("owner of %s", b.describe(r))
		}
	}
	return &physical.DropRole{ID: role.ID}, nil
}
