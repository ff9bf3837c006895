package engine

import (
	"fmt"

	"github.com/millracedb/millrace/planner/physical"
	"github.com/millracedb/millrace/sql/catalog"
	"github.com/millracedb/millrace/sql/pgerr"
)

func (b *changeBuilder) createSecret(d *physical.CreateSecret) {
	if old := b.cat.Secret(d.Secret.Schema, d.Secret.Name); old != nil && d.IfNotExists {
		b.skip(pgerr.DuplicateObject, fmt.Sprintf(`secret "%s" already exists, skipping`, old.Name))
		return
	}
	if d.Secret.ID == 0 {
		d.Secret.ID = b.alloc(1)
	}
	b.ch.PutSecrets = append(b.ch.PutSecrets, d.Secret)
	for _, r := range b.cat.SecretUsers(d.Secret.ID) { // they have the old value
		b.ch.Put = append(b.ch.Put, r.Clone())
		b.ch.Restart = append(b.ch.Restart, r.ID)
	}
}

// applySecrets makes and drops the change's secrets. One that came into use meanwhile is not dropped, and one that was
// dropped meanwhile is not used.
func (ch *catalogChange) applySecrets(b *catalog.Builder) error {
	for _, id := range ch.DropSecrets {
		if users := b.View().SecretUsers(id); len(users) > 0 {
			return pgerr.New(pgerr.DependentObjectsStillExist, "cannot drop a secret because other objects depend on it").
				WithDetail("%s %s depends on it", users[0].Kind, users[0].Name)
		}
		b.DropSecret(id)
	}
	for _, s := range ch.PutSecrets {
		if b.View().SchemaByID(s.Schema) == nil {
			return pgerr.New(pgerr.InvalidSchemaName, "schema does not exist")
		}
		if err := b.PutSecret(s); err != nil {
			return err
		}
	}
	for _, r := range ch.Put {
		if _, err := b.View().Revealed(r); err != nil {
			return err
		}
	}
	return nil
}
