/** Who asks. */
import type { RequestAuthenticator } from '../auth/authenticator.ts';
import type { UserInfo } from '../auth/auth.ts';
import type { Exchange } from '../exchange.ts';
import type { Step } from './chain.ts';

/** In-process callers come with the user they are. */
export function authenticate(authenticator: RequestAuthenticator, known: (exchange: Exchange) => UserInfo | undefined): Step {
  return (exchange) => {
    const given = known(exchange);
    if (given) {
      exchange.user = given;
      return undefined;
    }
    const user = authenticator.authenticate(exchange.credentials);
    if (!(user instanceof Promise)) {
      exchange.user = user;
      return undefined;
    }
    return user.then((found) => {
      exchange.user = found;
    });
  };
}
