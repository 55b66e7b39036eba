package stub

// SetPort has resolvers asked at another port than 53, which a test may not open.
func (s *Stub) SetPort(port string) { s.port = port }
