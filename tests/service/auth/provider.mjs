// A certified OpenID provider for the tests: client credentials, JWT access tokens, roles in a claim.
import { generateKeyPairSync } from 'node:crypto';
import { Provider } from 'oidc-provider';

const issuer = `http://127.0.0.1:${process.env.PORT}`;
const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
const key = { ...privateKey.export({ format: 'jwk' }), use: 'sig', alg: 'RS256', kid: 'k1' };
const client = (name) => ({
  client_id: name,
  client_secret: 'secret',
  grant_types: ['client_credentials'],
  redirect_uris: [],
  response_types: [],
  token_endpoint_auth_method: 'client_secret_basic',
});
const provider = new Provider(issuer, {
  jwks: { keys: [key] },
  clients: [client('viewer'), client('builder'), client('admin'), client('nobody')],
  features: {
    clientCredentials: { enabled: true },
    devInteractions: { enabled: false },
    resourceIndicators: {
      enabled: true,
      defaultResource: () => 'urn:slipway',
      useGrantedResource: () => true,
      getResourceServerInfo: (_context, name) => ({
        scope: '',
        audience: name,
        accessTokenFormat: 'jwt',
        accessTokenTTL: 600,
        jwt: { sign: { alg: 'RS256' } },
      }),
    },
  },
  extraTokenClaims: (_context, token) => ({ realm_access: { roles: ['offline_access', token.clientId] } }),
});
provider.listen(Number(process.env.PORT), '127.0.0.1', () => console.log('ready'));
