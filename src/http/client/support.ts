import { Type } from 'typebox';
import { MilenaError } from '../../errors/milena-error.ts';
import type { App, ClientContext } from '../context.ts';
import { route } from '../route.ts';

const contact = Type.Object({
  role: Type.String(),
  matrix_id: Type.Optional(Type.String()),
  email_address: Type.Optional(Type.String()),
});

/** `GET /.well-known/matrix/support` (spec: client-server API, "Well-known URIs"): what the configuration says. */
export function supportRoutes(app: App, { settings }: ClientContext): void {
  const { supportContacts, supportPage } = settings;
  const contacts = supportContacts.map(({ role, matrixId, email }) => ({
    role,
    ...(matrixId === undefined ? {} : { matrix_id: matrixId }),
    ...(email === undefined ? {} : { email_address: email }),
  }));
  route(app, {
    method: 'GET',
    path: '/.well-known/matrix/support',
    prefixes: [''],
    auth: 'none',
    response: Type.Object({
      contacts: Type.Optional(Type.Array(contact)),
      support_page: Type.Optional(Type.String()),
    }),
    handle: async () => {
      if (contacts.length === 0 && supportPage === undefined) {
        throw new MilenaError('NOT_FOUND', 'This server names nobody to turn to.');
      }
      return {
        ...(contacts.length === 0 ? {} : { contacts }),
        ...(supportPage === undefined ? {} : { support_page: supportPage }),
      };
    },
  });
}
