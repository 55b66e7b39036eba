// Signing in and making an account.
import { rt } from './api';
import { Form } from './form';
import { go } from './router';
import { useTitle } from './ui';

const handle = { name: 'handle', label: 'Handle', required: true, autoComplete: 'username', autoCapitalize: 'none', spellcheck: false } as const;
const text = (values: FormData, name: string) => String(values.get(name) ?? '');

export function SignIn() {
  useTitle('Sign in');
  return (
    <div class="narrow">
      <h1>Welcome back</h1>
      <Form action="Sign in"
        fields={[handle, { name: 'password', label: 'Password', type: 'password', required: true, autoComplete: 'current-password' }]}
        submit={async (values) => {
          await rt.auth.signIn({ handle: text(values, 'handle'), password: text(values, 'password') });
          go('/');
        }} />
      <p class="fine">New here? <a href="/sign-up">Make an account</a></p>
    </div>
  );
}

export function SignUp() {
  useTitle('Make an account');
  return (
    <div class="narrow">
      <h1>Make an account</h1>
      <Form action="Sign up"
        fields={[
          { ...handle, pattern: '[a-z0-9_.]{3,30}', hint: '3 to 30 small letters, digits, dots or underscores' },
          { name: 'name', label: 'Name', maxLength: 80, autoComplete: 'name' },
          { name: 'password', label: 'Password', type: 'password', required: true, minLength: 10, autoComplete: 'new-password', hint: 'At least 10 characters' },
        ]}
        submit={async (values) => {
          await rt.auth.signUp({ handle: text(values, 'handle'), name: text(values, 'name'), password: text(values, 'password') });
          go('/');
        }} />
      <p class="fine">Already one of us? <a href="/sign-in">Sign in</a></p>
    </div>
  );
}
