// What stands in place of a page that broke: the frame stays.
import { Component, type ReactNode } from 'react';
import { Button, Empty } from '../parts';

interface Props {
  at: string; // where the reader is: at another place, the page is tried anew
  children: ReactNode;
}

export class Boundary extends Component<Props, { broken?: Error | undefined }> {
  override state: { broken?: Error | undefined } = {};

  static getDerivedStateFromError(broken: Error) {
    return { broken };
  }

  override componentDidUpdate(before: Props) {
    if (before.at !== this.props.at && this.state.broken) this.setState({ broken: undefined });
  }

  override render() {
    if (!this.state.broken) return this.props.children;
    return (
      <div role="alert">
        <Empty icon="warn" title="This page broke">
          <p>A defect of the console, not of your server. The other pages still work; what the browser says:</p>
          <p><code>{String(this.state.broken)}</code></p>
          <Button onClick={() => this.setState({ broken: undefined })}>Try again</Button>
        </Empty>
      </div>
    );
  }
}
