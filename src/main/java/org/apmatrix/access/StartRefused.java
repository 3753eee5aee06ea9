package org.apmatrix.access;

/** The service does not start as it is configured. */
public final class StartRefused extends RuntimeException {
    private static final long serialVersionUID = 1L;

    private final String remedy;

    /**
     * Why, and what mends it.
     *
     * @param remedy the property or the command
     */
    public StartRefused(String why, String remedy) {
        super(why);
        this.remedy = remedy;
    }

    String remedy() {
        return remedy;
    }
}
